import { rehearseAll } from "migration-sandbox/vitest";
import columnAddedByHand from "../../scenarios/devlake/column-added-by-hand.ts";

rehearseAll(columnAddedByHand);
