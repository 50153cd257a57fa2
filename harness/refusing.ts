import type { Release } from "./chain.ts";
import { type EngineName, engineNames } from "./database.ts";
import { HarnessError, knownNames } from "./errors.ts";

/** A field that there is not. */
export function refuseFields(kind: keyof typeof fields, value: object, where: string): void {
  for (const [field, content] of Object.entries(value ?? {})) {
    if (content === undefined) continue;
    const known: readonly string[] = fields[kind];
    if (!known.includes(field)) throw bad(where, `there is no field "${field}" (${knownNames(field, known)})`);
  }
}

/** What all refusals of a scenario begin with. */
export function bad(where: string, why: string): HarnessError {
  return new HarnessError("bad-input", `Cannot rehearse ${where}: ${why}`);
}

/** @throws {HarnessError} `bad-input` with the nearest of the chain's names. */
export function releaseNamed(chain: readonly Release[], name: string, where: string): Release {
  const found = chain.find((release) => release.name === name);
  if (found !== undefined) return found;
  throw bad(
    where,
    `the chain has no release "${name}" (${knownNames(
      name,
      chain.map((r) => r.name),
    )})`,
  );
}

/** A release's place in the chain; a stand-in shares that of the release it stands for. */
function placeOf(chain: readonly Release[], release: Release): number {
  return chain.findIndex(({ name }) => name === (release.insteadOf ?? release.name));
}

/** No engine, or one that there is not. */
export function refuseEngines(engines: readonly EngineName[], where: string): void {
  if (!Array.isArray(engines) || engines.length === 0)
    throw bad(where, `it names no engine (${engineNames.join(", ")})`);
  const unknown = engines.find((engine) => !engineNames.includes(engine));
  if (unknown !== undefined) throw bad(where, `there is no engine "${unknown}" (${knownNames(unknown, engineNames)})`);
}

/** Stops that a chain does not have, or has in another order. */
export function refuseHops(chain: readonly Release[], stops: readonly string[], where: string): void {
  const places = stops.map((name) => placeOf(chain, releaseNamed(chain, name, where)));
  places.forEach((place, i) => {
    const before = places[i - 1];
    if (before === undefined) return;
    const hop = `"${stops[i - 1]}" → "${stops[i]}"`;
    if (place < before)
      throw bad(where, `${hop} goes backwards: "${stops[i]}" comes before "${stops[i - 1]}" in the chain`);
    if (stops[i] === stops[i - 1]) throw bad(where, `${hop} goes nowhere`);
  });
}

const fields = {
  scenario: ["title", "source", "engines", "chain", "seeds", "paths", "check", "known"],
  release: ["name", "migrations", "insteadOf", "transaction", "lock", "model", "boot", "use"],
  migration: ["name", "up", "down", "after", "transaction", "recordedAs"],
  finding: ["code", "release", "migration", "table", "column", "task", "exception", ...engineNames],
  known: ["code", "release", "migration", "table", "column", "task", "exception", "why", "engines", ...engineNames],
  path: [
    "from",
    "dump",
    "with",
    "via",
    "to",
    "settings",
    "engines",
    "runners",
    "workaround",
    "check",
    "expect",
    "every",
  ],
  set: ["every", "from", "to", "sample", "settings", "engines", "check", "expect", "but"],
  exception: ["from", "to", "expect"],
} as const;
