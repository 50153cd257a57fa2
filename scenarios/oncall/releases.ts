import { release } from "migration-sandbox";
import {
  alerts0051,
  cut,
  of1240,
  shipped,
  webhooks0007,
  webhooks0008,
  webhooks0015,
  webhooks0016,
} from "./migrations.ts";

/** Makes webhooks of buttons, and asks for the column that says which step triggers which. */
export const moved = webhooks0008(cut);

const of1311 = [...of1240, webhooks0007, moved];
const of13115 = [...of1311, webhooks0015];
const of13116 = [...of13115, alerts0051(), webhooks0016];

export const v1240 = release("1.2.40", shipped(...of1240));
export const v1310 = release("1.3.10", shipped(...of1240, webhooks0007));
export const v1311 = release("1.3.11", shipped(...of1311));
export const v13115 = release("1.3.115", shipped(...of13115));
export const v13116 = release("1.3.116", shipped(...of13116));
export const v14x = release("1.4.x", shipped(...of13116));
export const v185 = release("1.8.5", shipped(...of13116));

/** What nobody shipped: 0051 waits for 0008. */
export const v185Mended = release("1.8.5 mended", {
  insteadOf: "1.8.5",
  ...shipped(...of13115, alerts0051(moved.name), webhooks0016),
});
