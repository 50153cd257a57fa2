import { rehearseAll } from "migration-sandbox/vitest";
import modelsAheadOfTheirTables from "../../scenarios/devlake/models-ahead-of-their-tables.ts";

rehearseAll(modelsAheadOfTheirTables);
