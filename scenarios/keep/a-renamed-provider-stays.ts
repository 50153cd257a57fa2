// A provider is renamed in the configuration: "vms" becomes "victoriametrics". Keep takes back what it had provisioned
// under a name that is no longer there, and in four ways it does not: (a) the provider has logs, whose foreign key
// holds it; (b) it was provisioned before there was a mark for that; (c) an earlier attempt has deleted its secret,
// and now that cannot be read; (d) the variable is gone altogether.
import { broken, clean, defineScenario, type Facts, release, startAgain, type Task } from "migration-sandbox";
import { logsOfProvisioned, providerOfAnn, providerOfAnnInUse } from "../../seeds/keep.ts";
import { bootOf, type Settings, since0415, since0431, theProviders, until0414 } from "./boot.ts";
import { providersAre, usersOwnIsUntouched } from "./ends.ts";
import { shippedBy } from "./shipped.ts";

const renamed: Settings = { auth: "DB", before: ["vms"], providers: ["victoriametrics"] };
const kept: Settings = { auth: "DB", providers: ["vms"] };
const emptied: Settings = { auth: "DB", before: ["vms"], providers: [] };
const unset: Settings = { auth: "DB", before: ["vms"] };

const newName = providersAre("victoriametrics");
const oldName = providersAre("vms");
const none = providersAre();

const stays = { code: "provider-stays", table: "provider" } as const;
const missing = { code: "provider-missing", table: "provider" } as const;
const unmarked = { code: "provider-unmarked", table: "provider" } as const;
const secretMissing = { code: "secret-missing", table: "secret" } as const;

const heldByItsLogs = { postgres: "23503", mysql: 1451, mariadb: 1451 } as const;
const secretUnread = { exception: "KeyError" } as const;
const swallowed = (at: string, why: Facts) =>
  ({ code: "error-swallowed", release: at, task: theProviders, ...why }) as const;
const aborted = (why: Facts) =>
  broken([{ code: "boot-failed", release: "0.41.2", task: theProviders, ...why }, missing, stays, secretMissing]);

const withLogs = { from: "0.40.2", with: logsOfProvisioned, settings: renamed, check: newName } as const;
// What differs by engine is how a foreign key refuses: the rest is said by one for all.
const alike = { engines: ["postgres"] } as const;

/** What an operator is left with: everything of the product's own under an old name goes, the logs first. */
const deleteTheOldProviderByHand: Task<Settings> = async ({ db, settings }) => {
  const old: readonly { id: string; configuration_key: string }[] = await db("provider")
    .where({ installed_by: "system" })
    .whereNotIn("name", [...(settings.providers ?? [])]);
  for (const { id, configuration_key } of old) {
    await db("providerexecutionlog").where({ provider_id: id }).del();
    await db("provider").where({ id }).del();
    await db("secret").where({ name: configuration_key }).del();
  }
};

export default defineScenario({
  title: "a provider that was renamed in the configuration stays under its old name as well",
  source: "https://github.com/keephq/keep/pull/4386",
  engines: ["postgres", "mysql", "mariadb"],
  chain: [
    // The day on which provisioning was first shipped; the mark came on 2024-09-13.
    release("2024-08-23", {
      migrations: shippedBy("2024-08-23"),
      transaction: "all",
      boot: bootOf({ ...until0414, marks: false, configured: "before" }),
    }),
    release("0.40.2", {
      migrations: shippedBy("0.40.2"),
      transaction: "all",
      boot: bootOf({ ...until0414, configured: "before" }),
    }),
    release("0.41.2", { migrations: shippedBy("0.41.2"), transaction: "all", boot: bootOf(until0414) }),
    release("0.41.5", { migrations: shippedBy("0.41.2"), transaction: "all", boot: bootOf(since0415) }),
    release("0.41.7", { migrations: shippedBy("0.41.7"), transaction: "all", boot: bootOf(since0415) }),
    release("0.43.1", { migrations: shippedBy("0.41.7"), transaction: "all", boot: bootOf(since0431) }),
  ],
  seeds: { "2024-08-23": providerOfAnn, "0.40.2": providerOfAnnInUse },
  check: usersOwnIsUntouched,
  known: [
    {
      code: "rows-lost",
      table: "providerexecutionlog",
      why: "the logs of a provider go with it; that those of others stay is checked",
    },
  ],
  paths: [
    { from: "0.40.2", to: "0.41.2", settings: renamed, check: newName, expect: clean },
    { from: "0.40.2", with: logsOfProvisioned, to: "0.41.2", settings: kept, check: oldName, expect: clean, ...alike },
    // (a)
    { ...withLogs, to: "0.41.2", expect: aborted(heldByItsLogs) },
    {
      ...withLogs,
      to: "0.41.5",
      // The second start no longer gets as far as the foreign key.
      expect: broken([swallowed("0.41.5", heldByItsLogs), swallowed("0.41.5", secretUnread), stays, secretMissing]),
    },
    { ...withLogs, to: "0.41.7", expect: clean },
    // (b)
    { from: "2024-08-23", to: "0.43.1", settings: renamed, check: newName, expect: broken([stays]) },
    { from: "2024-08-23", to: "0.43.1", settings: kept, check: oldName, expect: broken([unmarked]), ...alike },
    // (c)
    { ...withLogs, to: "0.41.2", workaround: startAgain, expect: aborted(secretUnread), ...alike },
    {
      ...withLogs,
      via: ["0.41.5"],
      to: "0.41.7",
      expect: broken([swallowed("0.41.5", heldByItsLogs), swallowed("0.41.7", secretUnread), stays, secretMissing]),
    },
    // (d)
    { from: "0.40.2", to: "0.41.7", settings: unset, check: none, expect: broken([stays]) },
    { from: "0.40.2", to: "0.41.7", settings: emptied, check: none, expect: clean, ...alike },
    { from: "0.40.2", to: "0.43.1", settings: unset, check: none, expect: clean, ...alike },
    // What an operator can do.
    { ...withLogs, to: "0.41.2", workaround: deleteTheOldProviderByHand, expect: clean, ...alike },
    { ...withLogs, via: ["0.41.5"], to: "0.41.7", workaround: deleteTheOldProviderByHand, expect: clean, ...alike },
    {
      from: "2024-08-23",
      to: "0.43.1",
      settings: renamed,
      workaround: deleteTheOldProviderByHand,
      check: newName,
      expect: clean,
      ...alike,
    },
  ],
});
