import { isFaithful } from "./faithful.ts";
import { driven } from "./tools.ts";

for (const tool of driven) await isFaithful(tool);
