// What Keep does at every start once it has migrated: it makes the one tenant, for some types of login, and then
// provisions what its configuration names, for all of them.
import type { Database, Log, Task, Tasks } from "migration-sandbox";

/** Types of login, as AUTH_TYPE names them. */
export type Auth = "DB" | "NOAUTH" | "OAUTH2PROXY" | "KEYCLOAK" | "AUTH0" | "ONELOGIN" | "OKTA";

/** How an operator has configured Keep. */
export interface Settings {
  readonly auth: Auth;
  /** The names in KEEP_PROVIDERS; missing: the variable is not set. */
  readonly providers?: readonly string[];
  /** What stood there before the upgrade, where that was something else. */
  readonly before?: readonly string[];
}

/** How a release boots. */
export interface Ways {
  /** The types of login for which it makes the tenant. */
  readonly tenantFor: readonly Auth[] | "every";
  /** Before the flag `provisioned` nothing was ever taken back. */
  readonly marks?: false;
  /** A provider that cannot be deleted: the start ends, or the rest is done and the error logged. */
  readonly undeletable: "ends the start" | "is logged";
  /** Without KEEP_PROVIDERS nothing was done at all, then all was taken back. */
  readonly unset: "does nothing" | "takes all back";
  /** It is the one from which paths start, with the configuration of then. */
  readonly configured?: "before";
}

const allowed: readonly Auth[] = ["DB", "NOAUTH", "OAUTH2PROXY"];

/** As releases booted up to 0.41.4. */
export const until0414: Ways = { tenantFor: allowed, undeletable: "ends the start", unset: "does nothing" };
/** From 0.41.5 on deleting is a best effort. */
export const since0415: Ways = { ...until0414, undeletable: "is logged" };
/** From 0.43.1 on a variable that is gone counts as an empty one. */
export const since0431: Ways = { ...since0415, unset: "takes all back" };
/** From 0.47.5 on OneLogin has a tenant. */
export const since0475: Ways = { ...since0431, tenantFor: [...allowed, "ONELOGIN"] };
/** From 0.52.0 on Okta and Keycloak have one. */
export const since0520: Ways = { ...since0475, tenantFor: [...allowed, "ONELOGIN", "OKTA", "KEYCLOAK"] };

/** What a release does at every start, in Keep's order. */
export function bootOf(ways: Ways): Tasks<Settings> {
  return { [theTenant]: creatingTheTenant(ways), [theProviders]: provisioning(ways) };
}

/** The sentences of the two tasks, for expectations and for releases that put them in another order. */
export const theTenant = "create the default tenant";
/** See {@link theTenant}. */
export const theProviders = "provision the providers";

/** The first task of a start: only some logins get a tenant. */
export function creatingTheTenant({ tenantFor }: Pick<Ways, "tenantFor">): Task<Settings> {
  return async ({ db, settings }) => {
    if (tenantFor === "every" || tenantFor.includes(settings.auth)) await ensureTenant(db);
  };
}

/** Makes the tenant that providers belong to, unless it is there. */
export async function ensureTenant(db: Database): Promise<void> {
  const known: unknown = await db("tenant").where({ id: "keep" }).first();
  if (known === undefined) await db("tenant").insert({ id: "keep", name: "Single Tenant" });
}

/** The second task: takes back what is no longer named, then installs what is, one provider after the other. */
export function provisioning({ undeletable, unset, configured, marks }: Omit<Ways, "tenantFor">): Task<Settings> {
  return async ({ db, settings, log }) => {
    const named = configured === "before" ? (settings.before ?? settings.providers) : settings.providers;
    if (named === undefined && unset === "does nothing") return;
    const wanted = named ?? [];
    for (const provider of marks === false ? [] : await provisioned(db)) {
      if (wanted.includes(provider.name)) continue;
      try {
        await remove(provider, db);
      } catch (error) {
        if (undeletable === "ends the start") throw error;
        log.error(`Failed to delete provider ${provider.name}`, error);
      }
    }
    for (const name of wanted) await install(name, { db, log, marks: marks !== false });
  };
}

/** A provider's secret is deleted ahead of its row: what then becomes of the row, the secret is gone. */
async function remove({ id, configuration_key: name }: Provider, db: Database): Promise<void> {
  const secret: unknown = await db("secret").where({ name }).first();
  if (secret === undefined) throw new KeyError(`Secret ${name} not found`);
  await db("secret").where({ name }).del();
  await db("provider").where({ id }).del();
}

/** What Python throws for something that is not there. */
class KeyError extends Error {}

/** What goes wrong is logged, and under a wrong name: any refusal by a key is taken for a provider that is there. */
async function install(name: string, { db, log, marks }: { db: Database; log: Log; marks: boolean }): Promise<void> {
  const known: unknown = await db("provider").where({ tenant_id: "keep", name }).first();
  if (known !== undefined) return;
  const key = `keep_${name}`;
  if (marks) await db("secret").insert({ name: key, value: JSON.stringify({ host: `https://${name}.example.com` }) });
  try {
    await db("provider").insert({
      id: name,
      tenant_id: "keep",
      name,
      type: "victoriametrics",
      installed_by: "system",
      installation_time: "2025-04-01 08:00:00",
      configuration_key: key,
      ...(marks && { provisioned: true }),
    });
  } catch (error) {
    if (marks) await db("secret").where({ name: key }).del();
    log.error(`Failed to provision provider ${name}: 409 Provider already installed`, error);
  }
}

interface Provider {
  readonly id: string;
  readonly name: string;
  readonly configuration_key: string;
}

function provisioned(db: Database): PromiseLike<readonly Provider[]> {
  return db("provider").where({ tenant_id: "keep", provisioned: true }).orderBy("name");
}
