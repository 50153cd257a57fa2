import { ourCommand } from "../command.ts";
import type { Address, EngineName } from "../database.ts";
import type { Administration, Engine, Survey } from "../engines/engine.ts";
import { engineNamed } from "../engines/named.ts";
import { HarnessError, messageOf } from "../errors.ts";
import { compareVersions } from "../wish.ts";
import type { Server } from "./server.ts";

/** A server that somebody runs, and where we were told of it: `--server`, or the name of an environment variable. */
export interface Existing {
  readonly url: string;
  readonly toldBy: string;
}

/** Variables that belong to us alone; `DATABASE_URL` and its like are somebody's production. */
export function existingFor(engine: EngineName): Existing | undefined {
  const toldBy = variableOf({ name: engine });
  const url = process.env[toldBy];
  return url ? { url, toldBy } : undefined;
}

/**
 * A server that somebody runs. Nothing on it is touched but databases that we make ourselves.
 *
 * @throws {HarnessError} `bad-input` for what is no URL of a database server; `server-unusable` where it cannot be
 * reached, lets us in no further, is too old or another engine, takes no writes, or is pointed at somebody's database.
 */
export async function openExisting(existing: Existing, engine: Engine): Promise<Server> {
  const address = addressIn(existing, engine);
  const where = `${existing.toldBy} (${shown(address, engine)})`;
  let admin: Administration;
  try {
    admin = await engine.administer(address);
  } catch (cause) {
    throw new HarnessError("server-unusable", `Cannot use the server that ${where} names: ${whyNot(cause, engine)}`, {
      cause,
    });
  }
  try {
    const survey = await admin.survey();
    refuse(survey, { address, engine, where });
    return serverAt(address, engine, survey.version);
  } catch (cause) {
    if (cause instanceof HarnessError) throw cause;
    throw new HarnessError("server-unusable", `Cannot use the server that ${where} names: ${messageOf(cause)}`, {
      cause,
    });
  } finally {
    await admin.end();
  }
}

function serverAt(address: Address, engine: Engine, version: string): Server {
  return {
    kind: "existing",
    engine,
    version,
    exclusive: false,
    maintenance: address,
    lastWords: () => "",
    stop: async () => {}, // It was there before us.
    howToEnd: `${ourCommand} doctor --clean --server ${shown(address, engine)}`,
  };
}

/** The engines that a URL may mean: MySQL and MariaDB share theirs. */
export function enginesOf({ url, toldBy }: Existing): readonly EngineName[] {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase() ?? "";
  if (/^postgres(ql)?$/.test(scheme)) return ["postgres"];
  if (scheme === "mysql") return ["mysql", "mariadb"];
  if (scheme === "mariadb") return ["mariadb"];
  const named = scheme === "" ? "no scheme" : `"${scheme}:"`;
  throw new HarnessError(
    "bad-input",
    `Cannot use what ${toldBy} says: it is no URL of a database server, having ${named} (postgres://user:password@host:5432, mysql://…, mariadb://…)`,
  );
}

/** Which of the engines that share a URL's scheme answers there. */
export async function engineAt(existing: Existing): Promise<Engine> {
  const [first, ...others] = enginesOf(existing).flatMap((name) => engineNamed(name) ?? []) as [Engine, ...Engine[]];
  if (others.length === 0) return first;
  const admin = await first.administer(addressIn(existing, first)).catch(() => undefined);
  const survey = await admin?.survey().catch(() => undefined);
  await admin?.end();
  return survey?.isThisEngine === false ? (others[0] as Engine) : first;
}

function addressIn({ url, toldBy }: Existing, engine: Engine): Address {
  const bad = (why: string) =>
    new HarnessError("bad-input", `Cannot use what ${toldBy} says: ${why} (${example(engine)})`);
  let parsed: URL;
  try {
    // A scheme that URL does not know is parsed without a host's defaults; http's are the usual ones.
    parsed = new URL(url.replace(/^[a-z0-9+.-]+:\/\//i, "http://"));
  } catch {
    throw bad("it is no URL");
  }
  const decoded = (part: string) => {
    try {
      return decodeURIComponent(part);
    } catch {
      throw bad('it has a "%" that stands for nothing: write "%25"');
    }
  };
  if (!enginesOf({ url, toldBy }).includes(engine.name)) throw bad(`it is no URL of ${engine.title}`);
  const { hostname, port, username, password, pathname, searchParams } = parsed;
  const usual = engine.image.maintenance({ host: "", port: engine.image.port, password: "" });
  const given = decoded(password);
  return {
    host: decoded(hostname).replace(/^\[(.*)\]$/, "$1"),
    // http's own port is left out of what is parsed.
    port: Number(port || /:(80)(?:[/?#]|$)/.exec(url)?.[1] || usual.port),
    user: decoded(username) || usual.user,
    password: given || process.env[engine.passwordVariable] || "",
    database: decoded(pathname.slice(1)) || usual.database,
    ...tlsIn(searchParams),
  };
}

function tlsIn(params: URLSearchParams): Pick<Address, "tls"> {
  const said = [...params].find(([name]) => /^(ssl|sslmode|ssl-mode)$/i.test(name))?.[1].toLowerCase();
  if (said === undefined || /^(disable|disabled|false|0|prefer|preferred|allow)$/.test(said)) return {};
  return { tls: /^verify/.test(said) ? "verify" : "require" };
}

function refuse(
  { version, isThisEngine, readOnly, mayCreate, foreignTables }: Survey,
  { address, engine, where }: { readonly address: Address; readonly engine: Engine; readonly where: string },
): void {
  const no = (why: string) => new HarnessError("server-unusable", `Cannot use the server that ${where} names: ${why}`);
  const usual = engine.image.maintenance({ host: "", port: 0, password: "" }).database;
  if (!isThisEngine) throw no(`it is no ${engine.title} (it says it is ${version}); name it as what it is`);
  if (compareVersions(version, engine.oldest) < 0)
    throw no(`it is ${engine.title} ${version}, and ${engine.oldest} is the oldest that is supported`);
  if (foreignTables > 0 && address.database !== usual) {
    const tables = foreignTables === 1 ? "a table" : `${foreignTables} tables`;
    throw no(
      `database "${address.database}" holds ${tables} of somebody's. Nothing would be done to it, but name the server alone: sandboxes are databases of their own (${example(engine)})`,
    );
  }
  if (readOnly)
    throw no("it takes no writes: it is a replica, or was told to be read-only; name the server that it follows");
  if (!mayCreate)
    throw no(`user "${address.user}" may not create databases there (${engine.howToGrant(address.user)})`);
}

function whyNot(cause: unknown, engine: Engine): string {
  const fault = engine.fault(cause);
  const said = messageOf(cause);
  if (fault?.kind === "denied")
    return `it does not let us in: ${said} (is the password right? ${engine.passwordVariable} may hold it)`;
  if (fault?.kind === "too-many") return `it takes no more connections: ${said} (end some, or raise max_connections)`;
  if (fault?.kind === "connection")
    return `it does not answer: ${said} (is it running, and is the host and the port right?)`;
  return said;
}

function example({ name, image }: Engine): string {
  return `${name}://user:password@host:${image.port}`;
}

/** An address as it may be printed: without the password. */
function shown(address: Address, engine: Engine): string {
  const { host, port, user, database } = address;
  return `${engine.name}://${user}@${host.includes(":") ? `[${host}]` : host}:${port}${database === "" ? "" : `/${database}`}`;
}

export function variableOf({ name }: Pick<Engine, "name">): string {
  return `SANDBOX_${name.toUpperCase()}_URL`;
}

/** A URL as it may be printed: without the password. */
export function shownUrl({ url }: Existing): string {
  return url.replace(/(:\/\/[^:@/]*):[^@]*@/, "$1@");
}
