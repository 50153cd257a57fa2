import { rehearseAll } from "migration-sandbox/vitest";
import opsgenieConnectionCannotBeDeleted from "../../scenarios/devlake/opsgenie-connection-cannot-be-deleted.ts";

rehearseAll(opsgenieConnectionCannotBeDeleted);
