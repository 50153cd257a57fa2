import { describe, expect, test } from "vitest";
import { workplaceWith } from "../command.ts";

/** More than a server takes sessions, and more than it has locks for if none were given back. */
const chains = [
  { engine: "postgres", hops: 260 },
  { engine: "mariadb", hops: 160 },
] as const;

describe.each(chains)(
  "a chain of $hops migrations on $engine",
  ({ engine, hops }) => {
    test("that each add a row is walked release by release", () =>
      walked((n) => (n === 1 ? "create table t (id int primary key)" : `insert into t values (${n})`)));

    test("that each create a table is walked release by release", () =>
      walked((n) => `create table t${n} (id int primary key)`));

    async function walked(migration: (n: number) => string): Promise<void> {
      const numbers = Array.from({ length: hops }, (_, i) => i + 1);
      const files = numbers.map((n) => [`chain/${String(n).padStart(4, "0")}_step.sql`, `${migration(n)};\n`]);
      await using workplace = await workplaceWith(Object.fromEntries(files));
      const args = ["rehearse", "chain", "--engine", engine];
      const { code, stdout, stderr } = await workplace.run(args, { patience: 1_200_000 });
      expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: "" });
      expect(stdout).toContain("2 met, 0 unmet, 0 inconclusive");
    }
  },
  1_210_000,
);
