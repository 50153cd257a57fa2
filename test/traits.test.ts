import {
  differingOnlyInCase,
  duplicates,
  emptyTables,
  lengthsAround,
  ofTwoOwners,
  oneToMany,
  orphans,
  softDeleted,
  withoutParent,
} from "migration-sandbox";
import { describe, expect, test } from "vitest";

const users = [1, 2, 3, 4, 5].map((id) => ({ id, name: `user ${id}`, team_id: 1 as number | null }));

describe("oneToMany()", () => {
  test("gives parents their numbers of children by turns, and counts them through", () => {
    const posts = oneToMany(users, [0, 1, 2], (user, i, nth) => ({ id: i, of: user.id, nth }));
    expect([...posts]).toEqual([
      { id: 0, of: 2, nth: 0 },
      { id: 1, of: 3, nth: 0 },
      { id: 2, of: 3, nth: 1 },
      { id: 3, of: 5, nth: 0 },
    ]);
  });

  test("without parents, or with none but childless ones, there are no children", () => {
    expect([...oneToMany([], [50], () => ({ id: 1 }))]).toEqual([]);
    expect([...oneToMany(users, [0], () => ({ id: 1 }))]).toEqual([]);
  });

  test.each<[unknown, string]>([
    [3, "3"],
    [undefined, "undefined"],
    [[], "[]"],
    [[1, 0.5], "[ 1, 0.5 ]"],
    [[1, -1], "[ 1, -1 ]"],
    [["2"], "[ '2' ]"],
  ])("refuses %o to fan out by", (fanOut, quoted) => {
    expect(() => oneToMany(users, fanOut as number[], () => ({ id: 1 }))).toThrow(
      new TypeError(`oneToMany: fanOut is ${quoted}; it may be a list of whole numbers from 0`),
    );
  });
});

describe("what some of the rows are like", () => {
  test("softDeleted() marks every row, or every n-th one", () => {
    const marked = { deleted: true };
    expect([...softDeleted(users, marked)].map((row) => Object.hasOwn(row, "deleted"))).toEqual(Array(5).fill(true));
    expect([...softDeleted(users, marked, { every: 2 })].filter((row) => "deleted" in row).map(({ id }) => id)).toEqual(
      [1, 3, 5],
    );
  });

  test("withoutParent() has NULL where the parent was", () => {
    expect([...withoutParent(users, "team_id", { every: 3 })].map((row) => row.team_id)).toEqual([null, 1, 1, null, 1]);
  });

  test("orphans() refer to whom nobody has", () => {
    expect([...orphans(users, { team_id: 404 })].map((row) => row.team_id)).toEqual(Array(5).fill(404));
  });

  test("ofTwoOwners() gives rows to either by turns", () => {
    expect([...ofTwoOwners(users, "tenant", ["a", "b"])].map((row) => row.tenant)).toEqual(["a", "b", "a", "b", "a"]);
  });

  test.each([
    ["softDeleted", 0, () => softDeleted(users, {}, { every: 0 })],
    ["withoutParent", 1.5, () => withoutParent(users, "team_id", { every: 1.5 })],
    ["orphans", Number.NaN, () => orphans(users, {}, { every: Number.NaN })],
    ["orphans", "'2'", () => orphans(users, {}, { every: "2" as unknown as number })],
  ])("%s() refuses every %o-th", (trait, every, made) => {
    expect(made).toThrow(new TypeError(`${trait}: every is ${every}; it may be a whole number from 1`));
  });

  test("the rows that were given stay as they are", () => {
    [...orphans(withoutParent(softDeleted(users, { deleted: true }), "team_id"), { team_id: 404 })];
    expect(users[0]).toEqual({ id: 1, name: "user 1", team_id: 1 });
  });
});

describe("rows that are there twice", () => {
  test("duplicates() differ in nothing but what is said", () => {
    expect([...duplicates(users.slice(0, 2), (_, i) => ({ id: 100 + i }))]).toEqual([
      { id: 1, name: "user 1", team_id: 1 },
      { id: 100, name: "user 1", team_id: 1 },
      { id: 2, name: "user 2", team_id: 1 },
      { id: 101, name: "user 2", team_id: 1 },
    ]);
  });

  test.each([
    ["ann@x.org", "Ann@x.org"],
    ["Ann", "ann"],
    ["1é", "1É"],
    ["😀b", "😀B"],
  ])("differingOnlyInCase() has %s as %s too", (name, other) => {
    const rows = [...differingOnlyInCase([{ id: 1, name }], "name", () => ({ id: 2 }))];
    expect(rows).toEqual([
      { id: 1, name },
      { id: 2, name: other },
    ]);
  });

  test("differingOnlyInCase() refuses what has no case", () => {
    expect(() => [...differingOnlyInCase([{ id: 1, name: "123 日本" }], "name", () => ({ id: 2 }))]).toThrow(
      '"123 日本" of "name" has no letter of another case',
    );
  });
});

describe("lengthsAround()", () => {
  test.each([0, 2.5, Number.NaN])("refuses a limit of %o", (limit) => {
    expect(() => lengthsAround(limit, (text) => ({ text }))).toThrow(
      new TypeError(`lengthsAround: limit is ${limit}; it may be a whole number from 1`),
    );
  });

  test("has a text short of the limit, at it and beyond, in letters of every width", () => {
    const rows = [...lengthsAround(10, (text, i) => ({ id: i, text }))];
    expect(rows.map(({ text }) => [...text].length)).toEqual([9, 10, 11, 9, 10, 11, 9, 10, 11, 9, 10, 11]);
    expect(rows.map(({ text }) => Buffer.byteLength(text))).toEqual([9, 10, 11, 18, 20, 22, 27, 30, 33, 36, 40, 44]);
    expect(new Set(rows.map(({ text }) => text)).size).toBe(12);
  });
});

test("emptyTables says what it is", () => {
  expect(emptyTables.name).toBe("empty tables");
});

test("rows of traits are there again for the next who sows them", () => {
  const rows = [
    oneToMany(users, [1], (user) => user),
    duplicates(softDeleted(users, {}), () => ({})),
    withoutParent(users, "team_id"),
    lengthsAround(3, (text) => ({ text })),
  ];
  for (const each of rows) expect([...each]).toEqual([...each]);
  for (const each of rows) expect([...each].length).toBeGreaterThan(0);
});
