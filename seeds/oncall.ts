import {
  duplicates,
  lengthsAround,
  ofTwoOwners,
  oneToMany,
  type Row,
  type Seeder,
  seeder,
  softDeleted,
} from "migration-sandbox";

const [acme, globex] = [1, 2];
const [operations, payments] = [11, 12];
const noon = "2023-06-08 12:00:00";
const restart = "Restart the payment service";

/** Their steps have nothing to do with buttons: one waits, one triggers a webhook already. */
export const twoOrganisations = seeder("two organisations", async ({ db }) => {
  await db("user_management_organization").insert([
    { id: acme, stack_slug: "acme" },
    { id: globex, stack_slug: "globex" },
  ]);
  await db("user_management_team").insert([
    { id: operations, name: "operations", organization_id: acme },
    { id: payments, name: "payments", organization_id: acme },
  ]);
  await db("webhooks_webhook").insert({ id: 900, organization_id: acme, name: "Status page", url: urlOf(900) });
  await db("alerts_escalationpolicy").insert([
    { id: 1, step: 0, custom_webhook_id: null },
    { id: 2, step: 16, custom_webhook_id: 900 },
  ]);
});

/**
 * An organisation of its own for each release at which a path stands, so that whoever stops on the way has several. Until 1.3.10
 * its steps trigger buttons.
 */
export const organisationWithButtons = (n: number) =>
  seeder(`organisation ${n}, whose steps trigger buttons`, async ({ db }) => {
    const [organization_id, first] = [n + 100, 1000 * n];
    await db("user_management_organization").insert({ id: organization_id, stack_slug: `organisation-${n}` });
    const live = [1, 2].map((i) => button({ id: first + i, name: `Button ${i}`, organization_id }));
    const gone = softDeleted([button({ id: first + 3, name: "Button 3", organization_id })], { deleted_at: noon });
    await db("alerts_custombutton").insert([...live, ...gone]);
    const steps = live.map(({ id }) => ({ id, step: 10, custom_button_trigger_id: id }));
    await db("alerts_escalationpolicy").insert([...steps, { id: first, step: 0 }]);
  });

/** From 1.3.11 on nobody makes buttons any more. */
export const organisationWithWebhooks = (n: number) =>
  seeder(`organisation ${n}, whose steps trigger webhooks`, async ({ db }) => {
    const [organization_id, id] = [n + 100, 1000 * n];
    await db("user_management_organization").insert({ id: organization_id, stack_slug: `organisation-${n}` });
    await db("webhooks_webhook").insert({ id, organization_id, name: "Webhook", url: urlOf(id), is_legacy: false });
    await db("alerts_escalationpolicy").insert([
      { id, step: 0 },
      { id: id + 1, step: 16, custom_webhook_id: id },
    ]);
  });

/** Names are unique in an organisation, so a look-up by name alone finds the other one's. */
const buttons = [
  button({ id: 41, name: restart }),
  button({ id: 42, name: restart, organization_id: globex }),
  button({ id: 43, name: "Open a ticket", team_id: payments }),
];
const gone = softDeleted([button({ id: 44, name: "Call the night shift" })], { deleted_at: noon });

export const softDeletedButtons = sowing("soft-deleted buttons only", softDeleted(buttons, { deleted_at: noon }), []);

export const oneUnusedButton = sowing("one live button that no step triggers", [button({ id: 41, name: restart })], []);

export const usedButtons = sowing("live buttons with one, two and no steps", [...buttons, ...gone], [1, 2, 0, 0]);

/** Around the 91 characters that leave room for " (Legacy)", in letters of one to four bytes. */
const named = [
  ...lengthsAround(91, (text, i) => button({ id: 51 + i, name: `${"abcdefghijkl"[i]}${[...text].slice(1).join("")}` })),
];

export const namesThatFit = sowing(
  "button names of up to 91 characters",
  named.filter(({ name }) => [...name].length <= 91),
);

export const namesTooLong = sowing("button names of up to 92 characters", named);

const alike = "Restart the payment service in the first region, and tell the channel of whoever is on duty";

const equalWhenCut = [
  ...duplicates([button({ id: 41, name: `${alike}, east`, team_id: operations })], () =>
    button({ id: 42, name: `${alike}, west`, team_id: operations }),
  ),
];

export const equalWhenCutInOneTeam = sowing("two button names of one team, equal when cut", equalWhenCut);

export const equalWhenCutInTwoTeams = sowing(
  "two button names of two teams, equal when cut",
  ofTwoOwners(equalWhenCut, "team_id", [operations, payments]),
);

export const equalWhenCutInTwoOrganisations = sowing(
  "two button names of two organisations, equal when cut",
  ofTwoOwners(
    equalWhenCut.map((row) => ({ ...row, team_id: null })),
    "organization_id",
    [acme, globex],
  ),
);

/** Buttons, and so many steps for each by turns as `fanOut` says: one, unless said, and none if it is empty. */
function sowing(name: string, buttons: Iterable<Row>, fanOut: readonly number[] = [1]): Seeder {
  return seeder(name, async ({ db }) => {
    await db("alerts_custombutton").insert([...buttons]);
    if (fanOut.length === 0) return;
    const steps = oneToMany(buttons, fanOut, ({ id }, i) => ({ id: 101 + i, step: 10, custom_button_trigger_id: id }));
    await db("alerts_escalationpolicy").insert([...steps]);
  });
}

function button(told: {
  readonly id: number;
  readonly name: string;
  readonly organization_id?: number;
  readonly team_id?: number;
}) {
  return {
    public_primary_key: `KBUTTON0000${told.id}`,
    organization_id: acme,
    team_id: null,
    webhook: urlOf(told.id),
    data: `{"button": ${told.id}}`,
    authorization_header: `Bearer ${told.id}`,
    deleted_at: null,
    ...told,
  };
}

function urlOf(id: number): string {
  return `https://hooks.example.org/${id}`;
}
