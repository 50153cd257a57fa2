import type { EngineName } from "../database.ts";
import type { Engine } from "../engines/engine.ts";
import { engineNamed } from "../engines/named.ts";
import { HarnessError, knownNames, messageOf } from "../errors.ts";
import { fulfils, type Wish, wishInWords } from "../wish.ts";
import { embedded } from "./embedded.ts";
import { type Existing, engineAt, enginesOf, existingFor, openExisting, shownUrl, variableOf } from "./existing.ts";
import type { Installation } from "./installation.ts";
import { localInstallations, notInstalled } from "./local.ts";
import type { Offer } from "./offer.ts";
import { offerOf } from "./process.ts";
import type { Server, ServerKind } from "./server.ts";
import { startAlone, startShared } from "./share.ts";

/** Where a server is to come from: of one kind, or one that somebody runs. */
export type Source = Exclude<ServerKind, "existing"> | Existing;

export interface ServerOptions {
  /** Unless said: what `SANDBOX_<ENGINE>_URL` or `SANDBOX_SERVER` say, or the fastest that can be had. */
  readonly source?: Source | undefined;
  /** The process with which a server that we start ends; it is shared with whoever names the same. */
  readonly sharedWith?: number | undefined;
}

/** Whether its server is mostly up before a scenario has been read. */
export function comesAtOnce({ engine }: Wish): boolean {
  return engine === "postgres";
}

/**
 * The fastest server that is as wished, started or found running.
 *
 * @throws {HarnessError} `engine-not-had` with all that was looked for, and where; `server-unusable`;
 * `server-not-started`; `disk-full`
 */
export async function haveServer(wish: Wish, { source, sharedWith }: ServerOptions = {}): Promise<Server> {
  const engine = engineNamed(wish.engine);
  const asked =
    source ?? existingFor(wish.engine) ?? sourceOf("SANDBOX_SERVER", process.env.SANDBOX_SERVER || undefined);
  if (typeof asked === "object") return existingAsWished(asked, wish, engine);
  const offer = await offerFor(wish, engine, asked);
  return sharedWith === undefined ? startAlone(offer) : startShared(offer, sharedWith);
}

/** @throws {HarnessError} `bad-input` for what is neither a kind of server nor a URL */
export function sourceOf(toldBy: string, text: string | undefined): Source | undefined {
  if (text === undefined) return undefined;
  if (text.includes("://")) {
    const existing = { url: text, toldBy };
    enginesOf(existing);
    return existing;
  }
  const kind = kinds.find((known) => known === text);
  if (kind !== undefined) return kind;
  throw new HarnessError(
    "bad-input",
    `Cannot use what ${toldBy} says: ${text.includes("@") ? "it" : `"${text}"`} is neither a kind of server (${knownNames(text, kinds)}) nor a URL such as postgres://user:password@host:5432`,
  );
}

/** What can be had of one engine from one kind of server, or why nothing can. */
export interface Had {
  readonly kind: ServerKind;
  /** Versions, and where they stand. */
  readonly found: readonly string[];
  readonly why?: string;
}

/** Every kind of server of an engine, for somebody who wonders what there is. */
export async function lookFor(engine: Engine): Promise<readonly Had[]> {
  const looks: readonly (readonly [ServerKind, () => readonly string[] | Promise<readonly string[]>])[] = [
    ["embedded", () => [packaged(engine).version]],
    ["local", () => installed(engine).map(({ version, executable }) => `${version} ${executable}`)],
    [
      "container",
      async () => [
        (await offers.container({ engine: engine.name }, engine)).word.replace(/^container-([a-z]+)-/, "$1:"),
      ],
    ],
    ["existing", async () => [await existingHad(engine)]],
  ];
  return Promise.all(
    looks.map(async ([kind, look]): Promise<Had> => {
      try {
        return { kind, found: await look() };
      } catch (error) {
        return { kind, found: [], why: messageOf(error) };
      }
    }),
  );
}

async function existingHad(engine: Engine): Promise<string> {
  const existing = existingFor(engine.name);
  if (existing === undefined) throw notHad(`${variableOf(engine)} is not set`);
  const { version } = await openExisting(existing, engine);
  return `${version} ${shownUrl(existing)}`;
}

/** The engines that a source can serve. */
export async function enginesFrom(source: Source): Promise<readonly EngineName[] | undefined> {
  return typeof source === "object" ? [(await engineAt(source)).name] : undefined;
}

const kinds = ["embedded", "local", "container"] as const;

async function existingAsWished(existing: Existing, wish: Wish, engine: Engine): Promise<Server> {
  const server = await openExisting(existing, engine);
  if (fulfils(server.version, wish)) return server;
  throw new HarnessError(
    "engine-not-had",
    `Cannot rehearse on ${wishInWords(wish)}: the server that ${existing.toldBy} names is ${engine.title} ${server.version}`,
  );
}

/** Kinds of server in the order of their speed; the first that has what is wished. */
async function offerFor(wish: Wish, engine: Engine, only: (typeof kinds)[number] | undefined): Promise<Offer> {
  const why: string[] = [];
  for (const kind of only === undefined ? kinds : [only]) {
    try {
      return await offers[kind](wish, engine);
    } catch (error) {
      if (!(error instanceof HarnessError) || error.code !== "engine-not-had") throw error;
      why.push(`${kind}: ${error.message}`);
    }
  }
  if (only === undefined) why.push(`existing: ${variableOf(engine)} is not set`);
  throw new HarnessError(
    "engine-not-had",
    `Cannot rehearse on ${wishInWords(wish)}: no server of it can be had here\n  ${why.join("\n  ")}`,
  );
}

/** Loaded when a container may be needed, and once: it brings a client of Docker with it. */
let containers: Promise<typeof import("./container.ts")> | undefined;

const offers: { readonly [K in (typeof kinds)[number]]: (wish: Wish, engine: Engine) => Promise<Offer> } = {
  async embedded(wish, engine) {
    return offerOf(firstThatFulfils([packaged(engine)], wish));
  },
  async local(wish, engine) {
    return offerOf(firstThatFulfils(installed(engine), wish));
  },
  async container({ version }, engine) {
    containers ??= import("./container.ts");
    return (await containers).containerOffer(engine, version);
  },
};

function packaged(engine: Engine): Installation {
  if (engine.name !== "postgres") throw notHad("only PostgreSQL comes out of npm");
  return embedded();
}

function installed(engine: Engine): readonly Installation[] {
  const found = localInstallations(engine);
  if (found.length === 0) throw notInstalled(engine);
  return found;
}

function firstThatFulfils(found: readonly Installation[], wish: Wish): Installation {
  const first = found.find(({ version }) => fulfils(version, wish));
  if (first !== undefined) return first;
  const had = found.map(
    ({ engine, version, executable, packaged }) => `${engine.title} ${version}${packaged ? "" : ` (${executable})`}`,
  );
  throw notHad(`found ${had.join(", ")}`);
}

function notHad(why: string): HarnessError {
  return new HarnessError("engine-not-had", why);
}
