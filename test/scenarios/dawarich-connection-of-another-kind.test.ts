import { rehearseAll } from "migration-sandbox/vitest";
import connectionOfAnotherKind from "../../scenarios/dawarich/connection-of-another-kind.ts";

rehearseAll(connectionOfAnotherKind);
