import { rehearseAll } from "migration-sandbox/vitest";
import scopeConfigsDropped from "../../scenarios/devlake/scope-configs-dropped.ts";

rehearseAll(scopeConfigsDropped);
