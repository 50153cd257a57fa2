import { rehearseAll } from "migration-sandbox/vitest";
import aMigrationCommitsInItsMiddle from "../../scenarios/keep/a-migration-commits-in-its-middle.ts";

rehearseAll(aMigrationCommitsInItsMiddle);
