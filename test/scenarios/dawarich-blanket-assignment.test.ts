import { rehearseAll } from "migration-sandbox/vitest";
import blanketAssignment from "../../scenarios/dawarich/blanket-assignment.ts";

rehearseAll(blanketAssignment);
