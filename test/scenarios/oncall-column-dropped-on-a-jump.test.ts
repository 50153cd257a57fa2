import { rehearseAll } from "migration-sandbox/vitest";
import columnDroppedOnAJump from "../../scenarios/oncall/column-dropped-on-a-jump.ts";

rehearseAll(columnDroppedOnAJump);
