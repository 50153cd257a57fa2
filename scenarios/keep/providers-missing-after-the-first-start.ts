// Keep boots in this order: migrate, make its one tenant, provision the providers that the configuration names. The
// tenant is made for three types of login only; providers are provisioned for all. So a first start with any other
// login has no tenant for its providers to belong to: each is refused by a foreign key, the error is logged, and Keep
// says that it has started. An upgrade of a database that has its tenant never shows it.
import { broken, clean, defineScenario, release, startAgain, type Task } from "migration-sandbox";
import { tenantKeep } from "../../seeds/keep.ts";
import {
  type Auth,
  bootOf,
  creatingTheTenant,
  ensureTenant,
  provisioning,
  type Settings,
  since0475,
  since0520,
  theProviders,
  theTenant,
  until0414,
} from "./boot.ts";
import { providersAre } from "./ends.ts";
import { shippedBy } from "./shipped.ts";

const login = (auth: Auth): Settings => ({ auth, providers: ["victoriametrics"] });
const provided = providersAre("victoriametrics");

const refused = (at: string) =>
  ({
    code: "error-swallowed",
    release: at,
    task: theProviders,
    postgres: "23503",
    mysql: 1452,
    mariadb: 1452,
  }) as const;
const missing = (at: string) => broken([refused(at), { code: "provider-missing", table: "provider" }]);

const tenantLast = "0.41.2 with the tenant last";
const untilTheSecondStart = broken([
  refused(tenantLast),
  { code: "provider-missing", table: "provider" },
  { code: "restart-changed", release: tenantLast, table: "provider" },
  { code: "restart-changed", release: tenantLast, table: "secret" },
]);

// Logins are told apart before a statement is sent: one engine says it for all.
const alike = { engines: ["postgres"] } as const;

const makeTheTenantByHand: Task<Settings> = ({ db }) => ensureTenant(db);

export default defineScenario({
  title: "provisioned providers are missing after the first start",
  source: "https://github.com/keephq/keep/issues/4388",
  engines: ["postgres", "mysql", "mariadb"],
  chain: [
    release("0.40.2", { migrations: shippedBy("0.40.2"), transaction: "all", boot: bootOf(until0414) }),
    release("0.41.2", { migrations: shippedBy("0.41.2"), transaction: "all", boot: bootOf(until0414) }),
    release("0.41.2 mended", {
      insteadOf: "0.41.2",
      migrations: shippedBy("0.41.2"),
      transaction: "all",
      boot: bootOf({ ...until0414, tenantFor: "every" }),
    }),
    // What the issue is often taken for: an order seen in copies of Keep's source, of no release that is known.
    release(tenantLast, {
      insteadOf: "0.41.2",
      migrations: shippedBy("0.41.2"),
      transaction: "all",
      boot: { [theProviders]: provisioning(until0414), [theTenant]: creatingTheTenant(until0414) },
    }),
    release("0.47.5", { migrations: shippedBy("0.41.7"), transaction: "all", boot: bootOf(since0475) }),
    release("0.52.0", { migrations: shippedBy("0.41.7"), transaction: "all", boot: bootOf(since0520) }),
  ],
  paths: [
    { to: "0.41.2", settings: login("KEYCLOAK"), check: provided, expect: missing("0.41.2") },
    { to: "0.41.2", settings: login("AUTH0"), check: provided, expect: missing("0.41.2"), ...alike },
    { to: "0.41.2", settings: { auth: "KEYCLOAK", providers: [] }, check: providersAre(), expect: clean },
    { to: "0.41.2", settings: login("DB"), check: provided, expect: clean },
    { to: "0.41.2", settings: login("NOAUTH"), check: provided, expect: clean, ...alike },
    { to: "0.41.2", settings: login("OAUTH2PROXY"), check: provided, expect: clean, ...alike },
    { from: "0.40.2", with: tenantKeep, to: "0.41.2", settings: login("KEYCLOAK"), check: provided, expect: clean },
    { from: "0.40.2", to: "0.41.2", settings: login("KEYCLOAK"), check: provided, expect: missing("0.41.2") },
    { to: "0.41.2 mended", settings: login("KEYCLOAK"), check: provided, expect: clean },
    { from: "0.40.2", to: "0.41.2 mended", settings: login("KEYCLOAK"), check: provided, expect: clean, ...alike },
    // What was done about it.
    { to: "0.47.5", settings: login("ONELOGIN"), check: provided, expect: clean, ...alike },
    { to: "0.47.5", settings: login("KEYCLOAK"), check: provided, expect: missing("0.47.5"), ...alike },
    { to: "0.52.0", settings: login("KEYCLOAK"), check: provided, expect: clean, ...alike },
    { to: "0.52.0", settings: login("AUTH0"), check: provided, expect: missing("0.52.0"), ...alike },
    // What an operator can do.
    { to: "0.41.2", settings: login("KEYCLOAK"), workaround: startAgain, check: provided, expect: missing("0.41.2") },
    { to: "0.41.2", settings: login("KEYCLOAK"), workaround: makeTheTenantByHand, check: provided, expect: clean },
    // Where a second start does help.
    { to: tenantLast, settings: login("DB"), check: provided, expect: untilTheSecondStart, ...alike },
    { to: tenantLast, settings: login("DB"), workaround: startAgain, check: provided, expect: clean, ...alike },
    // One that the list of 0.47.5 has made good since.
    { to: "0.41.2", settings: login("ONELOGIN"), check: provided, expect: missing("0.41.2"), ...alike },
  ],
});
