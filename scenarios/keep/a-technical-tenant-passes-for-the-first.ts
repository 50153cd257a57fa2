// A mend that suggests itself: whatever the login, make the tenant if there is none yet. From 0.40.3 on a migration
// inserts a tenant of its own for test runs, so on a new database there always is one, and the one that providers
// belong to is not made after all.
import { broken, clean, defineScenario, release, type Task, type Tasks } from "migration-sandbox";
import { bootOf, ensureTenant, provisioning, type Settings, theProviders, theTenant, until0414 } from "./boot.ts";
import { providersAre } from "./ends.ts";
import { shippedBy } from "./shipped.ts";

const keycloak: Settings = { auth: "KEYCLOAK", providers: ["victoriametrics"] };
const provided = providersAre("victoriametrics");

const makeTheFirstTenant: Task<Settings> = async ({ db }) => {
  const any: unknown = await db("tenant").first();
  if (any === undefined) await ensureTenant(db);
};
const counting: Tasks<Settings> = { [theTenant]: makeTheFirstTenant, [theProviders]: provisioning(until0414) };
const forEvery = bootOf({ ...until0414, tenantFor: "every" });

export default defineScenario({
  title: "a technical tenant passes for the first one",
  source: "https://github.com/keephq/keep/issues/5280",
  engines: ["postgres", "mysql", "mariadb"],
  chain: [
    release("0.40.2", { migrations: shippedBy("0.40.2"), transaction: "all", boot: bootOf(until0414) }),
    release("0.40.2 if there is none", {
      insteadOf: "0.40.2",
      migrations: shippedBy("0.40.2"),
      transaction: "all",
      boot: counting,
    }),
    release("0.41.2", { migrations: shippedBy("0.41.2"), transaction: "all", boot: bootOf(until0414) }),
    release("0.41.2 if there is none", {
      insteadOf: "0.41.2",
      migrations: shippedBy("0.41.2"),
      transaction: "all",
      boot: counting,
    }),
    release("0.41.2 mended", {
      insteadOf: "0.41.2",
      migrations: shippedBy("0.41.2"),
      transaction: "all",
      boot: forEvery,
    }),
  ],
  paths: [
    { to: "0.40.2 if there is none", settings: keycloak, check: provided, expect: clean },
    {
      from: "0.40.2 if there is none",
      to: "0.41.2 if there is none",
      settings: keycloak,
      check: provided,
      expect: clean,
    },
    {
      to: "0.41.2 if there is none",
      settings: keycloak,
      check: provided,
      expect: broken([
        {
          code: "error-swallowed",
          release: "0.41.2 if there is none",
          task: theProviders,
          postgres: "23503",
          mysql: 1452,
          mariadb: 1452,
        },
        { code: "provider-missing", table: "provider" },
      ]),
    },
    { to: "0.41.2 mended", settings: keycloak, check: provided, expect: clean },
  ],
});
