import { rehearseAll } from "migration-sandbox/vitest";
import connectionCannotBeDeleted from "../../scenarios/devlake/connection-cannot-be-deleted.ts";

rehearseAll(connectionCannotBeDeleted);
