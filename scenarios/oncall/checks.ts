// What must be true of buttons, steps and webhooks, told from the rows that were there before the upgrade.
import { type Check, type Finding, invariant, type Row } from "migration-sandbox";

/** What says which step triggers which button. */
const link = { table: "alerts_escalationpolicy", column: "custom_button_trigger_id" } as const;

/** Each live button is one legacy webhook of its organisation and team, with its name and URL; there is no other. */
const everyLiveButtonIsAWebhook: Check = async ({ before, after }) => {
  const live = (await before.all("alerts_custombutton")).filter(({ deleted_at }) => deleted_at === null);
  const legacy = (await after.all("webhooks_webhook")).filter(({ is_legacy }) => Boolean(is_legacy));
  const without = live.filter((button) => legacy.filter((webhook) => isWebhookOf(button, webhook)).length !== 1);
  const ofNone = legacy.filter((webhook) => !live.some((button) => isWebhookOf(button, webhook)));
  return [
    ...found(
      { code: "button-without-webhook", table: "alerts_custombutton" },
      without,
      "live buttons are not one webhook each",
    ),
    ...found(
      { code: "webhook-without-button", table: "webhooks_webhook" },
      ofNone,
      "legacy webhooks are no live button's",
    ),
  ];
};

/** Each step that triggered a button triggers it still, or a webhook with its URL: after a failure, too. */
const stepsTriggerWhatTheyDid: Check = async ({ before, after }) => {
  const buttons = byId(await before.all("alerts_custombutton"));
  const now = byId(await after.all("alerts_escalationpolicy"));
  const webhooks = byId(await after.all("webhooks_webhook"));
  const steps = (await before.all("alerts_escalationpolicy")).filter(({ step }) => step === 10);
  const lost = steps.filter(({ id, custom_button_trigger_id: trigger }) => {
    const { step, custom_button_trigger_id, custom_webhook_id } = now.get(id) ?? {};
    const asBefore = step === 10 && custom_button_trigger_id === trigger;
    return !asBefore && !(step === 16 && webhooks.get(custom_webhook_id)?.url === buttons.get(trigger)?.webhook);
  });
  return found({ code: "link-lost", ...link }, lost, "escalation steps no longer know what they triggered");
};

/** Steps that triggered no button are as they were. That none is gone, whatever it did, the built-in check sees to. */
const otherStepsAreUntouched: Check = async ({ before, changes }) => {
  const triggering = (await before.all("alerts_escalationpolicy")).filter(({ step }) => step === 10).map(idOf);
  const touched: Row[] = [];
  for await (const { kind, key } of changes("alerts_escalationpolicy"))
    if (kind === "changed" && !triggering.includes(String(key.id))) touched.push(key);
  return found(
    { code: "other-step-changed", table: link.table },
    touched,
    "escalation steps were changed that triggered no button",
  );
};

/** What must hold between any two releases: who is called when. */
export const nobodyIsForgotten: readonly Check[] = [stepsTriggerWhatTheyDid, otherStepsAreUntouched];

/** What must hold of an upgrade that failed in 0008: it can be mended and tried again. */
export const nothingIsForgotten: readonly Check[] = [
  stepsTriggerWhatTheyDid,
  invariant(
    "half-moved",
    `select id from webhooks_webhook where is_legacy = true
     and exists (select id from alerts_escalationpolicy where step = 10)`,
  ),
];

/** What an upgrade that came through must have made of the rows. */
export const allIsMoved: readonly Check[] = [
  everyLiveButtonIsAWebhook,
  stepsTriggerWhatTheyDid,
  otherStepsAreUntouched,
  invariant("step-left-at-a-button", "select id from alerts_escalationpolicy where step = 10"),
];

function isWebhookOf(button: Row, webhook: Row): boolean {
  const same = (["organization_id", "team_id", "data", "authorization_header"] as const).every(
    (column) => webhook[column] === button[column],
  );
  const shown = [...String(button.name)].slice(0, 60).join("");
  return same && webhook.url === button.webhook && String(webhook.name).startsWith(shown);
}

function found(facts: Omit<Finding, "message">, rows: readonly Row[], what: string): readonly Finding[] {
  return rows.length === 0 ? [] : [{ ...facts, message: `${rows.length} ${what}: ${rows.map(idOf).join(", ")}` }];
}

function byId(rows: readonly Row[]): ReadonlyMap<unknown, Row> {
  return new Map(rows.map((row) => [row.id, row]));
}

function idOf({ id }: Row): string {
  return String(id);
}
