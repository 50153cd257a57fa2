import { rehearseAll } from "migration-sandbox/vitest";
import namesThatDoNotFit from "../../scenarios/oncall/names-that-do-not-fit.ts";

rehearseAll(namesThatDoNotFit);
