// Ways down mostly break midway or are empty: `inspect` names those that take nothing back, and no upgrade runs any.
import { expect, test } from "vitest";
import { inspect } from "../../harness/inspect.ts";
import { folderReleases } from "../../harness/releases.ts";
import { folderOf } from "../repository.ts";
import { onStage } from "../stage.ts";
import { walked } from "./walking.ts";

const stage = onStage();
const table = (name: string) => `create table ${name} (id int primary key);\n`;

/** In the words of each format: one way down that is right, one that breaks midway, one that is empty, and none. */
const downs = {
  "golang-migrate": {
    ...pair(1, table("users"), "drop table users;\n"),
    ...pair(2, table("orders"), "drop table orders;\ndrop table items;\n"),
    ...pair(3, table("notes"), "-- cannot be undone\n"),
    "4_d.up.sql": table("rows"),
  },
  goose: {
    "1_a.sql": `-- +goose Up\n${table("users")}-- +goose Down\ndrop table users;\n`,
    "2_b.sql": `-- +goose Up\n${table("orders")}-- +goose Down\ndrop table orders;\ndrop table items;\n`,
    "3_c.sql": `-- +goose Up\n${table("notes")}-- +goose Down\n-- cannot be undone\n`,
    "4_d.sql": `-- +goose Up\n${table("rows")}`,
  },
  dbmate: {
    "1_a.sql": `-- migrate:up\n${table("users")}-- migrate:down\ndrop table users;\n`,
    "2_b.sql": `-- migrate:up\n${table("orders")}-- migrate:down\ndrop table orders;\ndrop table items;\n`,
    "3_c.sql": `-- migrate:up\n${table("notes")}-- migrate:down\n-- cannot be undone\n`,
    "4_d.sql": `-- migrate:up\n${table("rows")}-- migrate:down\n`,
  },
};

test.each(Object.entries(downs))(
  "of %s: those that are empty or missing are named, and upgrades come through",
  async (format, files) => {
    const folder = folderOf(files);
    const { findings, formats } = await inspect(folder);
    expect(formats.map(({ name }) => name)).toEqual([format]);
    const told = findings.map(({ code, message }) => `${code}: ${message.replace(/ in .*,/, ",")}`);
    expect(told).toEqual([
      'down-missing: "3_c" has an empty way down, where 2 of 4 have one',
      expect.stringMatching(/^down-missing: "4_d" has (no|an empty) way down, where 2 of 4 have one$/),
    ]);
    expect(await walked(stage(), await folderReleases(folder))).toEqual([["clean"], ["clean"]]);
  },
);

test("one that takes back what is not there is named", async () => {
  const folder = folderOf({
    ...pair(1, table("users"), "drop table users;\n"),
    "2_b.down.sql": "drop table orders;\n",
  });
  const { findings } = await inspect(folder);
  expect(findings.map(({ code, migration }) => `${code} ${migration}`)).toEqual(["down-unpaired 2_b"]);
});

function pair(number: number, up: string, down: string): { readonly [file: string]: string } {
  const name = `${number}_${"abcd"[number - 1]}`;
  return { [`${name}.up.sql`]: up, [`${name}.down.sql`]: down };
}
