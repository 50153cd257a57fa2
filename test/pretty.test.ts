import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import type { ToldPath } from "../harness/rehearsal.ts";
import { frame } from "../harness/report/frame.ts";
import { explainFinding, explanations, pathInWords, widthsOf } from "../harness/report/pretty.ts";
import { told } from "./told.ts";

const way = (path: readonly string[], more: Partial<ToldPath> = {}): ToldPath => ({
  ...{ path, dump: null, with: null, settings: null, runners: 1, workaround: null, ...more },
});
const long = Array.from({ length: 150 }, (_, i) => `${i + 1}_t`);

test("a long way is told by its ends and by how many stops lie between", () => {
  expect(pathInWords(way(long))).toBe("1_t → … 148 … → 150_t");
  expect(pathInWords(way(long, { dump: "x/theirs.sql", with: "rows" }))).toBe(
    "1_t (theirs.sql) → … 148 … → 150_t, with rows",
  );
  expect(widthsOf([long, ["150_t"]].map((path, i) => ({ name: `db#${i + 1}`, ...way(path) })))).toEqual({
    number: 2,
    path: 22,
  });
});

test("a short way is told stop by stop", () => {
  expect(pathInWords(way(["1.0", "1.1", "1.2", "1.3"]))).toBe("1.0 → 1.1 → 1.2 → 1.3");
});

test("a release that is called as its migration is named once", () => {
  const explained = explainFinding({
    code: "migration-failed",
    release: "4_wrong",
    migration: "4_wrong",
    message: "no",
  });
  expect(stripVTControlCharacters(explained)).toBe("  migration-failed  4_wrong\n  no");
});

test("what a server says with the name of a sandbox in it is told once for all who met it", () => {
  const met = (n: number) =>
    told(["1.0", `1.${n}`], {
      outcome: "broken",
      findings: [
        {
          code: "migration-failed",
          release: "2.0",
          message: `Table 'sandbox_c80a251d04b6f2dc_${n}.pets' doesn't exist`,
        },
      ],
      notes: [],
    });
  const text = stripVTControlCharacters(explanations([met(1), met(12)], { verbose: false }));
  expect(text).toContain("in app#1.0..1.1 #1.0..1.12\n");
  expect(text.match(/doesn't exist/g)).toHaveLength(1);
});

test("a line that is wider than the terminal is cut around the caret", () => {
  const text = `create table t (${"a".repeat(90)} int, b nosuchtype, ${"c".repeat(90)} int);\nselect 1;`;
  const place = { text, line: 1, column: text.indexOf("nosuchtype") + 1, statement: text };
  const lines = stripVTControlCharacters(frame(place, 80)).split("\n");
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80);
  const [row = "", caret = "", next] = lines;
  expect(row.slice(caret.indexOf("^"))).toMatch(/^nosuchtype/);
  expect(row).toMatch(/\| ….*…$/);
  expect(next).toBe("    2 | …");
});

test("a line that is not wider is left as it is", () => {
  const place = { text: "select 1;\nselect nobody;", line: 2, column: 8, statement: "select nobody" };
  expect(stripVTControlCharacters(frame(place, 80)).split("\n")).toEqual([
    "    1 | select 1;",
    "  > 2 | select nobody;",
    "      |        ^",
  ]);
});
