import { isFaithful } from "./faithful.ts";
import { clients } from "./tools.ts";

for (const tool of clients) await isFaithful(tool);
