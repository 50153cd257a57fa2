import { rehearseAll } from "migration-sandbox/vitest";
import aRenamedProviderStays from "../../scenarios/keep/a-renamed-provider-stays.ts";

rehearseAll(aRenamedProviderStays);
