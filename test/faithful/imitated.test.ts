import { isFaithful } from "./faithful.ts";
import { imitated } from "./tools.ts";

for (const tool of imitated) await isFaithful(tool);
