import { rehearseAll } from "migration-sandbox/vitest";
import whichStopsWork from "../../scenarios/oncall/which-stops-work.ts";

rehearseAll(whichStopsWork);
