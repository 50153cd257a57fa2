import { rehearseAll } from "migration-sandbox/vitest";
import whichStopsBreak from "../../scenarios/dawarich/which-stops-break.ts";

rehearseAll(whichStopsBreak);
