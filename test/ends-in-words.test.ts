import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import type { EndGroup, EndsCompared } from "../harness/rehearsal.ts";
import { ends } from "../harness/report/ends.ts";
import type { Finding } from "../harness/verdict.ts";
import { come, everyPair, told } from "./told.ts";

const names = Array.from({ length: 6 }, (_, i) => `1.${i}`);
const rehearsals = [...everyPair(names), ...names.map((name) => told([name])), told(names)];
const at = (release: string) => rehearsals.filter(({ path }) => path.at(-1) === release).map(({ name }) => name);
const group = (paths: readonly string[], findings: readonly Finding[] = [], notes: readonly Finding[] = []) =>
  ({ paths, findings, notes }) satisfies EndGroup;
const compared = (release: string, ...groups: readonly EndGroup[]): EndsCompared => ({
  ...{ scenario: "app", engine: "postgres" },
  release,
  groups: groups.length === 0 ? [group(at(release))] : groups,
});
const shown = (told: readonly EndsCompared[], columns = 80) =>
  stripVTControlCharacters(ends(told, { rehearsals, columns }));

const name: Finding = {
  ...{ code: "column-differs", table: "users", column: "name", message: 'column "name" is another' },
  sides: { one: "name varchar(20) not null", other: "name text" },
};
const index: Finding = {
  ...{ code: "index-differs", table: "users", message: 'index "users_name" is gone' },
  sides: { one: "create index users_name on users (name)", other: null },
};
const view = (columns: string) =>
  `create view active as\n  select ${columns}\n  from users\n${Array.from({ length: 40 }, (_, i) => `  and ${i} < ${i + 1}`).join("\n")}`;

describe("ends()", () => {
  test("tells in a line where all agree", () => {
    expect(shown([compared("1.5")])).toBe("\napp  ends compared  postgres\n  all 7 ends at 1.5 agree");
    expect(shown(names.slice(1).map((release) => compared(release)))).toBe(
      "\napp  ends compared  postgres\n  all 21 ends at 1.1 … 1.5 (5) agree",
    );
  });

  test("tells nothing where one path came", () => {
    expect(shown([compared("1.0")])).toBe("");
  });

  test("tells who agrees and in what others differ, line by line, and what several have in common once", () => {
    const old = ["app#1.0..1.5", "app#1.1..1.5"];
    const rest = at("1.5").filter((path) => !old.includes(path) && path !== "app#1.2..1.5");
    const rows: Finding = { code: "rows-differ", table: "settings", message: "1 row has another value (not kept)" };
    const long = (some: string) => `select ${"a".repeat(30)}, ${some}, ${"c".repeat(30)}, d from t`;
    const text = shown([
      compared("1.4"),
      compared(
        "1.5",
        group(rest),
        group(old, [name, index]),
        group(
          ["app#1.2..1.5"],
          [
            index,
            { code: "view-differs", message: "another", sides: { one: view("id"), other: view("id, email") } },
            { code: "function-differs", message: "another", sides: { one: long("bbb"), other: long("bbbb") } },
          ],
          [rows],
        ),
      ),
    ]);
    expect(text).toBe(`
app  ends compared  postgres
  all 5 ends at 1.4 agree
  ✗ ends at 1.5 differ
    fresh install; from 1.3, 1.4; 1.0 → 1.1 → 1.2 → 1.3 → 1.4 → 1.5 come to one
        end (-)
    from 1.0, 1.1 come to another (+)
      column-differs (users.name)  column "name" is another
        - name varchar(20) not null
        + name text
    from 1.0 … 1.2 (3) come to another (+)
      index-differs (users)  index "users_name" is gone
        - create index users_name on users (name)
    from 1.2 comes to another (+)
      view-differs  another
          create view active as
        -   select id
        +   select id, email
            from users
            and 0 < 1
      function-differs  another
          select aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,
        - bbb,
        + bbbb,
          cccccccccccccccccccccccccccccc,
          d from t
      known: rows-differ (settings)  1 row has another value (not kept)`);
  });

  test("tells ends that differ only in what is known from those that differ", () => {
    const text = shown([compared("1.5", group(at("1.5").slice(1)), group(at("1.5").slice(0, 1), [], [name]))]);
    expect(text).toContain("  ✓ ends at 1.5 agree, but for what is known\n");
    expect(text).toContain('      known: column-differs (users.name)  column "name" is another');
  });

  test("names paths that have more than their ends to be told by, and no more than a few", () => {
    const seeded = [1, 2, 3, 4, 5, 6].map((i) =>
      told(["1.0", "1.5"], come.clean, { name: `app#${i}`, set: null, with: `${i} rows` }),
    );
    const paths = seeded.map(({ name }) => name);
    const differing = compared("1.5", group(paths.slice(0, 5)), group(paths.slice(5), [name]));
    const text = stripVTControlCharacters(ends([differing], { rehearsals: seeded, columns: 120 }));
    expect(text).toContain(
      "    1.0 → 1.5, with 1 rows; 1.0 → 1.5, with 2 rows; 1.0 → 1.5, with 3 rows; 1.0 → 1.5, with 4 rows;",
    );
    expect(text).toContain("    1.0 → 1.5, with 6 rows comes to another (+)\n");
  });

  test("cuts what nobody would read to its end, and stays within the terminal", () => {
    const lines = (word: string) => Array.from({ length: 200 }, (_, i) => `${word} ${i} ${"x".repeat(90)}`).join("\n");
    const sides = { one: lines("old"), other: lines("new") };
    const differing = compared("1.5", group(at("1.5").slice(1)), group(at("1.5").slice(0, 1), [{ ...name, sides }]));
    const text = shown([differing]);
    expect(text).toContain("        and 370 more lines (--reporter json holds all)");
    expect(Math.max(...text.split("\n").map(({ length }) => length))).toBeLessThanOrEqual(80);
  });
});
