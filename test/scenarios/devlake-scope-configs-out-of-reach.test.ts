import { rehearseAll } from "migration-sandbox/vitest";
import scopeConfigsOutOfReach from "../../scenarios/devlake/scope-configs-out-of-reach.ts";

rehearseAll(scopeConfigsOutOfReach);
