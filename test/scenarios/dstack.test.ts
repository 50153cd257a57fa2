import { rehearseAll } from "migration-sandbox/vitest";
import volumesOfTwoOwners from "../../scenarios/dstack/volumes-of-two-owners.ts";

rehearseAll(volumesOfTwoOwners);
