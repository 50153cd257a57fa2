import type { Release } from "migration-sandbox";
import { inspect } from "../../harness/inspect.ts";
import { gitReleases } from "../../harness/releases.ts";
import type { Stage } from "../../harness/sandbox.ts";
import { repositoryOf, type Tree } from "../repository.ts";
import { hopped, noted, told } from "./walking.ts";

/** A chain as its tags tell it, and what is wrong with it. */
export async function tagged(tags: { readonly [tag: string]: Tree }, how: { format?: string; folder?: string } = {}) {
  const where = { folder: "db", tags: "v*", ...how };
  const repo = repositoryOf(tags);
  const chain = await gitReleases({ repo, ...where });
  const { findings, ...inspection } = await inspect(repo, where);
  return {
    chain,
    inspection,
    findings,
    said: findings.map(({ code, release, migration = "" }) => `${code} ${release} ${migration}`),
  };
}

/** Paths of a chain, each told in short with its notes. */
export async function paths(stage: Stage, chain: readonly Release[], ...names: readonly string[]) {
  const rehearsals = await hopped(stage, chain, names);
  return rehearsals.map((rehearsal) => ({ told: told(rehearsal), notes: noted(rehearsal) }));
}
