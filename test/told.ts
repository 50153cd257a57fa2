import type { Rehearsal } from "../harness/rehearsal.ts";
import type { Finding, Verdict } from "../harness/verdict.ts";

/** A rehearsal of a set, as it would be told: clean unless said. */
export function told(path: readonly string[], verdict: Verdict = come.clean, more: Partial<Rehearsal> = {}): Rehearsal {
  const stops = path.map((to, i) => ({ from: path[i - 1] ?? null, to, milliseconds: 1, migrations: [] }));
  const failed = verdict.findings[0]?.release;
  const at = stops.findIndex(({ to }) => to === failed);
  const range = `${path.length === 1 ? ".." : ""}${path.join("..")}`;
  return {
    name: `app#${range}`,
    scenario: "app",
    title: "an app",
    engine: "postgres",
    server: "embedded",
    version: "18.4",
    path,
    ...{ dump: null, with: null, settings: null, runners: 1, workaround: null },
    expected: { outcome: "clean" },
    met: verdict.outcome === "clean",
    milliseconds: 10,
    hops: at < 0 ? stops : stops.slice(0, at + 1),
    verdict,
    set: "all",
    end: null,
    reused: false,
    replay: `npx migration-sandbox rehearse app --paths ${range} --engine postgres --seed 1`,
    ...more,
  };
}

/** What may come of a path. */
export const come = {
  clean: { outcome: "clean", findings: [], notes: [] },
  /** Broken at a release, by one of its migrations. */
  broken: (release: string, more: Partial<Finding> = {}): Verdict => ({
    outcome: "broken",
    findings: [
      {
        code: "migration-failed",
        release,
        migration: "0008_move",
        message: "no such column",
        sqlState: "42703",
        ...more,
      },
    ],
    notes: [],
  }),
  inconclusive: {
    outcome: "inconclusive",
    cause: { code: "timed-out", message: "Cannot tell: it took too long" },
    findings: [],
    notes: [],
  },
} as const satisfies { readonly [name: string]: Verdict | ((...given: never[]) => Verdict) };

/** Every pair of releases, and what comes of each. */
export function everyPair(
  releases: readonly string[],
  verdictOf: (from: number, to: number) => Verdict = () => come.clean,
): readonly Rehearsal[] {
  return releases.flatMap((from, i) => releases.slice(i + 1).map((to, j) => told([from, to], verdictOf(i, i + 1 + j))));
}
