import { rehearseAll } from "migration-sandbox/vitest";
import aTechnicalTenantPassesForTheFirst from "../../scenarios/keep/a-technical-tenant-passes-for-the-first.ts";

rehearseAll(aTechnicalTenantPassesForTheFirst);
