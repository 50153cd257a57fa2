import { rehearseAll } from "migration-sandbox/vitest";
import halfADelete from "../../scenarios/devlake/half-a-delete.ts";

rehearseAll(halfADelete);
