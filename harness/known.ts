import type { EngineName } from "./database.ts";
import type { KnownFinding, Scenario } from "./scenario.ts";
import { type ExpectedFinding, type Finding, says } from "./verdict.ts";

/** Sorts a scenario's known findings out of what rehearsals find, and remembers which were seen. */
export class KnownFindings {
  readonly #known: readonly KnownFinding[];
  readonly #seen = new Set<KnownFinding>();
  readonly #engine: EngineName;

  constructor(known: Scenario["known"], engine: EngineName) {
    // One that names other engines, or errors of others alone, is none of this one's.
    this.#known = (known ?? []).filter(({ engines, postgres, mysql, mariadb }) => {
      const errors = { postgres, mysql, mariadb };
      const named = Object.values(errors).some((error) => error !== undefined);
      return (engines?.includes(engine) ?? true) && (!named || errors[engine] !== undefined);
    });
    this.#engine = engine;
  }

  /** What is known is a note, with the reason why it is accepted. */
  sort(findings: readonly Finding[]): { readonly findings: readonly Finding[]; readonly notes: readonly Finding[] } {
    const left: Finding[] = [];
    const notes: Finding[] = [];
    for (const finding of findings) {
      const known = this.#known.filter((entry) => says(finding, entry as ExpectedFinding, this.#engine));
      for (const entry of known) this.#seen.add(entry);
      const why = known.map((entry) => entry.why).join("; ");
      if (known.length === 0) left.push(finding);
      else notes.push({ ...finding, message: `${finding.message} (known: ${why})` });
    }
    return { findings: left, notes };
  }

  /** What was to be expected and no path has shown: whatever it was accepted for may be gone. */
  unseen(among: (code: string) => boolean = () => true): readonly Finding[] {
    const unseen = this.#known.filter((entry) => !this.#seen.has(entry) && among(entry.code));
    return unseen.map(({ code, why, release, migration, table, column }) => ({
      code: "known-not-seen",
      ...(release !== undefined && { release }),
      ...(migration !== undefined && { migration }),
      ...(table !== undefined && { table }),
      ...(column !== undefined && { column }),
      message: `no path has shown the known "${code}" (${why}); take it out of "known", or look why`,
    }));
  }
}
