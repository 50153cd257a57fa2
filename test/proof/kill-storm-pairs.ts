import { describe, expect, test } from "vitest";
import type { EngineName } from "../../harness/database.ts";
import { engineNamed } from "../../harness/engines/named.ts";
import { lookFor } from "../../harness/servers/had.ts";
import type { ServerKind } from "../../harness/servers/server.ts";
import { required, whyNoImage } from "../stage.ts";

/** An engine on a kind of server. */
export interface Pair {
  readonly engine: EngineName;
  readonly kind: ServerKind;
}

const pairs: readonly Pair[] = [
  { engine: "postgres", kind: "embedded" },
  { engine: "postgres", kind: "local" },
  { engine: "postgres", kind: "existing" },
  { engine: "mariadb", kind: "local" },
  { engine: "mariadb", kind: "existing" },
  { engine: "postgres", kind: "container" },
  { engine: "mariadb", kind: "container" },
  { engine: "mysql", kind: "container" },
];

/**
 * Tells a story once for each pair that can be had here. What cannot is skipped under a name that says why, or fails
 * where `MIGRATION_SANDBOX_REQUIRED` names it.
 */
export async function onEachPair(
  story: (pair: Pair) => void,
  isMeant: (pair: Pair) => boolean = () => true,
): Promise<void> {
  for (const pair of pairs.filter(isMeant)) {
    const name = `${pair.engine}:${pair.kind}`;
    const why = await whyNotHad(pair);
    if (why === undefined) describe(name, () => story(pair));
    else if (required.includes(name)) test(`${name} is required`, () => expect(why).toBeUndefined());
    else describe.skip(`${name}, which cannot be had here: ${why}`, () => story(pair));
  }
}

/** A server that somebody runs is one that the proof starts itself from local binaries. */
async function whyNotHad({ engine, kind }: Pair): Promise<string | undefined> {
  if (kind === "container") return whyNoImage(engine);
  const had = await lookFor(engineNamed(engine));
  return had.find((each) => each.kind === (kind === "existing" ? "local" : kind))?.why;
}
