// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders are written like that.
import { expect, test } from "vitest";
import type { SqlFile } from "../../harness/chain.ts";
import { engineNames } from "../../harness/database.ts";
import { goose } from "../../harness/formats/goose.ts";
import { interpolated } from "../../harness/formats/goose-env.ts";
import { onEngine, onStage } from "../stage.ts";
import { type Files, folderOf, readBy, refusalBy } from "./folder-of.ts";
import { keeping } from "./keeping.ts";

const users = `-- about users
-- +goose Up
-- a comment ahead of a statement is no part of it

create table users (id int, -- not the end;
  name text); -- the end
insert into users values (1, 'a;b'); insert into users values (2, 'c');
-- +goose StatementBegin
create function f() returns int as $$
begin
  return 1;
end $$ language plpgsql;
-- +goose StatementEnd

-- +goose Down
drop function f;
drop table users;
`;

const chain: Files = {
  "20240101_größe.sql": "-- +goose NO TRANSACTION\n-- +goose up\ncreate index concurrently a on users (id);\n",
  "3_later.sql": "--+goose Up\nselect 3;",
  "00002_users.sql": users,
  "00010_empty.sql": "-- +goose Up\r\n-- +goose Down\r\n",
  "README.md": "",
};

test("versions count as numbers, and statements end with their lines", async () => {
  const { migrations, migrator } = await readBy(goose, chain);
  expect(migrations.map(({ name, recordedAs, transaction }) => [name, recordedAs?.id, transaction])).toEqual([
    ["00002_users", "2", undefined],
    ["3_later", "3", undefined],
    ["00010_empty", "10", undefined],
    ["20240101_größe", "20240101", false],
  ]);
  const [first, , empty] = migrations;
  const up = first?.up as SqlFile & { pieces: readonly { sql: string; offset: number }[] };
  expect(up.pieces.map(({ sql }) => sql)).toEqual([
    "create table users (id int, -- not the end;\n  name text); -- the end",
    "insert into users values (1, 'a;b'); insert into users values (2, 'c');",
    "create function f() returns int as $$\nbegin\n  return 1;\nend $$ language plpgsql;",
  ]);
  for (const { sql, offset } of up.pieces) {
    expect(up.sql.slice(offset, offset + sql.length)).toBe(sql);
    expect(up.within?.text.slice((up.within?.start ?? 0) + offset).startsWith(sql)).toBe(true);
  }
  const down = first?.down as typeof up;
  expect(down.sql).toBe("drop function f;\ndrop table users;\n");
  expect(down.within).toEqual({ text: users, start: users.indexOf("drop function") });
  expect(down.pieces).toEqual([
    { sql: "drop function f;", offset: 0 },
    { sql: "drop table users;", offset: 17 },
  ]);
  expect(empty?.up).toMatchObject({ sql: "", pieces: [] });
  expect(empty?.down).toMatchObject({ sql: "", pieces: [] });
  expect(migrator).toMatchObject({
    transaction: "each",
    lock: "none",
    late: "refuse",
    edited: "ignore",
    removed: "ignore",
  });
});

test("lines are sent without their carriage returns", async () => {
  const { migrations } = await readBy(goose, { "1_a.sql": "-- +goose Up\r\nselect '1\r\n2';\r\n" });
  expect(migrations[0]?.up).toMatchObject({ pieces: [{ sql: "select '1\n2';", offset: 0 }] });
});

test("a way back that goose cannot read bothers nobody who goes forward", async () => {
  const { migrations } = await readBy(goose, { "1_a.sql": "-- +goose Up\nselect 1;\n-- +goose Down\nselect 2\n" });
  expect(migrations[0]?.up).toMatchObject({ pieces: [{ sql: "select 1;" }] });
  expect(migrations[0]?.down).toBeUndefined();
});

test("variables are filled in between ENVSUB ON and OFF", async () => {
  const text =
    "-- +goose Up\n-- +goose ENVSUB ON\ngrant all to ${OWNER}${MORE:-, b};\n-- +goose ENVSUB OFF\nselect '$OWNER';\n";
  const { migrations } = await readBy(goose, { "1_a.sql": text }, { placeholders: { OWNER: "a" } });
  expect(migrations[0]?.up).toMatchObject({ pieces: [{ sql: "grant all to a, b;" }, { sql: "select '$OWNER';" }] });
});

test("variables are filled in as goose's own library does it", () => {
  const values = { A: "1adf998e39", EMPTY: "", OTHER: "$A" };
  const lines: readonly (readonly [string, string])[] = [
    ["$A and ${A}, $NONE$", "1adf998e39 and 1adf998e39, $"],
    ["$OTHER $$A \\$A \\\\ $(A)", "$A $A $A \\\\ $(A)"],
    ["${NONE-d} ${EMPTY-d} ${EMPTY:-d}", "d  d"],
    ["${NONE:-${EMPTY:-$A}}", "1adf998e39"],
    ["${A:2} ${A: -2} ${A:1:3} ${A:1:-6} ${A:99} ${A:-99}", "df998e39 39 adf adf  1adf998e39"],
  ];
  for (const [line, filled] of lines) expect(interpolated(line, values)).toBe(filled);
  expect(() => interpolated("${NONE?set it}", values)).toThrow("$NONE: set it");
  expect(() => interpolated("$1", values)).toThrow('"1" begins no name of a variable');
  expect(() => interpolated("${A!x}", values)).toThrow('"!" cannot stand behind "${A"');
  expect(() => interpolated("${A:-x", values)).toThrow('"${A" is not closed');
  expect(() => interpolated("${A:x}", values)).toThrow('"x" is no number');
});

test("it is known by its markers, misspelt ones as well", async () => {
  const detected = async (files: Files) => goose.detect(await folderOf(files));
  expect(await detected(chain)).toEqual({ by: "content", what: "-- +goose in 00002_users.sql" });
  expect(await detected({ "1_a.sql": "-- +goose Upp" })).toEqual({ by: "content", what: "-- +goose in 1_a.sql" });
  expect(await detected({ "1_a.sql": "-- migrate:up" })).toBeUndefined();
});

test("what is not SQL, and what goose takes no notice of, is named", async () => {
  const files = {
    ...chain,
    "00004_fill.go": "",
    "00005_test.go": "",
    "a_test.go": "",
    "x.go": "",
    "plain.sql": "",
    "0_x.sql": "",
  };
  const why = "goose takes no notice of a name that is not like 00001_users.sql";
  expect((await readBy(goose, files)).leftOut).toEqual([
    { name: "00004_fill.go", why: "it is written in Go, which only the product itself can run" },
    { name: "0_x.sql", why },
    { name: "plain.sql", why },
  ]);
});

test("what goose refuses is refused", async () => {
  const known = "known: Up, Down, StatementBegin, StatementEnd, NO TRANSACTION, ENVSUB ON, ENVSUB OFF";
  const refusals: readonly (readonly [string, string])[] = [
    ["", ':1": it has no line "-- +goose Up" (put it ahead of the statements)'],
    ["-- x\nselect 1;\n-- +goose Up", ':2": a statement stands before "-- +goose Up" (put it behind that line)'],
    ["-- +goose Upp\nselect 1;", `:1": goose does not know "-- +goose Upp" (${known})`],
    ["\n -- +goose Up\nselect 1;", ':2": blanks stand before "-- +goose Up" (begin the line with --)'],
    ["-- +goose Up\n-- +goose Up\n", ':2": a second "-- +goose Up" (one is all that goose takes)'],
    ["-- +goose Down\n", ':1": "-- +goose Down" does not follow an "-- +goose Up" and whole statements'],
    [
      "-- +goose Up\nselect 1;\n\nselect 2\n-- no end;\n-- +goose Down\n",
      ':4": the statement that begins here has no end (end its last line with ;, or put it between -- +goose StatementBegin and -- +goose StatementEnd)',
    ],
    [
      "-- +goose Up\nselect 1",
      ':2": the statement that begins here has no end (end its last line with ;, or put it between -- +goose StatementBegin and -- +goose StatementEnd)',
    ],
    [
      "-- +goose StatementBegin\n-- +goose Up",
      ':1": "-- +goose StatementBegin" stands before "-- +goose Up", or in another block',
    ],
    [
      "-- +goose Up\nselect 1;\n-- +goose StatementBegin\nselect 1;\n",
      ':3": "-- +goose StatementBegin" has no "-- +goose StatementEnd"',
    ],
    ["-- +goose Up\n-- +goose StatementEnd\n", ':2": "-- +goose StatementEnd" has no "-- +goose StatementBegin"'],
    [
      "-- +goose ENVSUB ON\n-- +goose Up\nselect $1;",
      ':3": its variables cannot be filled in: "1" begins no name of a variable (or put -- +goose ENVSUB OFF ahead)',
    ],
    [
      "\uFEFF-- +goose Up",
      ':1": it begins with a byte order mark, which goose takes for a statement (save it without one)',
    ],
  ];
  for (const [text, message] of refusals) {
    expect(await refusalBy(goose, { "1_a.sql": text })).toBe(`Cannot read migration "…/1_a.sql${message}`);
  }
  expect(await refusalBy(goose, { "a.sql": "" })).toBe(
    'Cannot read migrations from "…": it holds no file that is named like 00001_users.sql',
  );
  expect(await refusalBy(goose, { "1_a.sql": "", "001_b.go": "" })).toBe(
    'Cannot read migration "…/1_a.sql": "001_b.go" has the same version (which of them runs first? give one of them another version)',
  );
});

for (const engine of engineNames) {
  await onEngine(engine, () => {
    const stage = onStage(engine);

    test("its record begins with version 0, and a row takes back an earlier one", async () => {
      const shipment = await readBy(goose, { ...chain, "00004_fill.go": "" }, { engine });
      const [first, second] = shipment.migrations;
      await keeping(stage(), shipment, async ({ recorded, through, script, rows }) => {
        expect(await recorded()).toEqual({ applied: [] });
        await through(first);
        await through(second);
        expect(await recorded()).toEqual({ applied: [{ id: "2" }, { id: "3" }] });
        await script("insert into goose_db_version (version_id, is_applied) values (2, false), (4, true)");
        expect(await recorded()).toEqual({ applied: [{ id: "3" }, { id: "00004_fill.go" }] });
        const held = await rows("select version_id from goose_db_version order by id");
        expect(held.map((row) => Number(row.version_id))).toEqual([0, 2, 3, 2, 4]);
      });
    });
  });
}
