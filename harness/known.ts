import type { EngineName } from "./database.ts";
import type { Scenario } from "./scenario.ts";
import { type ExpectedFinding, type Finding, says } from "./verdict.ts";

type Known = NonNullable<Scenario["known"]>[number];

/** Sorts a scenario's known findings out of what rehearsals find, and remembers which were seen. */
export class KnownFindings {
  readonly #known: readonly Known[];
  readonly #seen = new Set<Known>();
  readonly #engine: EngineName;

  constructor(known: Scenario["known"], engine: EngineName) {
    // One that names errors of other engines alone is none of this one's.
    this.#known = (known ?? []).filter(({ postgres, mysql, mariadb, ...rest }) => {
      const errors = { postgres, mysql, mariadb };
      const named = Object.values(errors).some((error) => error !== undefined);
      return rest.code !== undefined && (!named || errors[engine] !== undefined);
    });
    this.#engine = engine;
  }

  /** What is known is a note, with the reason why it is accepted. */
  sort(findings: readonly Finding[]): { readonly findings: readonly Finding[]; readonly notes: readonly Finding[] } {
    const left: Finding[] = [];
    const notes: Finding[] = [];
    for (const finding of findings) {
      const known = this.#known.find((entry) => says(finding, entry as ExpectedFinding, this.#engine));
      if (known === undefined) left.push(finding);
      else {
        this.#seen.add(known);
        notes.push({ ...finding, message: `${finding.message} (known: ${known.why})` });
      }
    }
    return { findings: left, notes };
  }

  /** What was to be expected and no path has shown: whatever it was accepted for may be gone. */
  unseen(): readonly Finding[] {
    const unseen = this.#known.filter((entry) => !this.#seen.has(entry));
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
