import { rehearseAll } from "migration-sandbox/vitest";
import volumesOfTheWrongOwner from "../../scenarios/dstack/volumes-of-the-wrong-owner.ts";
import volumesOfTwoOwners from "../../scenarios/dstack/volumes-of-two-owners.ts";

rehearseAll([volumesOfTwoOwners, volumesOfTheWrongOwner]);
