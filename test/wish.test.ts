import { expect, test } from "vitest";
import { compareVersions, fulfils, parseWish, wishInWords } from "../harness/wish.ts";

test.each(["postgres", "postgres:15", "mariadb:10.11", "mysql:9.7.4", "postgres:16-alpine"])(
  "%s is an engine, and maybe a version",
  (text) => {
    expect(wishInWords(parseWish(text))).toBe(text);
  },
);

test.each([
  ["postgre", 'There is no engine "postgre" (known: "postgres", "mysql", "mariadb")'],
  ["", 'There is no engine "" (known: "mysql", "mariadb", "postgres")'],
  ["mysql:", '"mysql:" names no version of mysql: write mysql:15, or mysql alone'],
  ["mysql: 9", '"mysql: 9" names no version of mysql: write mysql:15, or mysql alone'],
])("%j is refused", (text, message) => {
  expect(() => parseWish(text)).toThrow(message);
});

test.each([
  ["15.20", "15", true],
  ["15.20", "15.20", true],
  ["15.20", "15.2", false],
  ["10.11.19", "10.11", true],
  ["10.11.19", "10.1", false],
  ["10.11.19", "1", false],
  ["18.4", undefined, true],
])("%s is %s: %s", (version, wanted, is) => {
  expect(fulfils(version, { engine: "postgres", ...(wanted && { version: wanted }) })).toBe(is);
});

test("versions are ordered by their numbers", () => {
  expect(["9.6.24", "10.5", "9.10", "18", "8.0.36", "8.0"].sort(compareVersions)).toEqual([
    "8.0",
    "8.0.36",
    "9.6.24",
    "9.10",
    "10.5",
    "18",
  ]);
});
