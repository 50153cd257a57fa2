import { rehearseAll } from "migration-sandbox/vitest";
import namesEqualWhenCut from "../../scenarios/oncall/names-equal-when-cut.ts";

rehearseAll(namesEqualWhenCut);
