// What a run remembers of those before it, and that nothing which happens to the store hinders anybody.

import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Workplace, workplaceWith } from "./command.ts";

const files = {
  "migrations/1_users.sql": "create table users (id int primary key)",
  "migrations/2_names.sql": "alter table users add column name text",
  "migrations/3_pets.sql": "create table pets (id int primary key)",
};
const all = ["rehearse", "migrations", "--paths", "all"];
const paths = 6;

interface Document {
  readonly rehearsals: readonly { readonly name: string; readonly reused: boolean }[];
  readonly work: { readonly migrations: number; readonly reused: number };
}

describe("the store", { timeout: 120_000 }, () => {
  // Hidden, so that it is no file of the package that its own states are known by.
  const storeOf = (work: Workplace) => join(work.folder, ".store");
  const withStore = (work: Workplace, more = {}) => ({
    environment: { MIGRATION_SANDBOX_STORE: storeOf(work), ...more },
  });
  const told = async (work: Workplace, args: readonly string[] = all, more = {}) => {
    const { code, stdout, stderr } = await work.run([...args, "--reporter", "json"], withStore(work, more));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return JSON.parse(stdout) as Document;
  };
  const ours = (work: Workplace) => {
    const [version = ""] = readdirSync(storeOf(work));
    return join(storeOf(work), version);
  };
  const reused = ({ work, rehearsals }: Document) => [work.reused, rehearsals.filter((each) => each.reused).length];

  test("tells again what an earlier run came to, and how much of it", async () => {
    await using work = await workplaceWith(files);
    const [first, second] = [await work.run(all, withStore(work)), await work.run(all, withStore(work))];
    expect([first.code, second.code]).toEqual([0, 0]);
    expect(second.stdout).toContain(`; ${paths} states of earlier runs`);
    expect(second.stdout).toContain("\n0 migrations run");
    const plain = ({ stdout }: { readonly stdout: string }) =>
      stdout
        .replace(/\d+\.\d s\b/g, "T")
        .replace(/^\d+ migrations? run.*$/m, "")
        .replace(/, T one after the other/g, "");
    expect(plain(second)).toBe(plain(first));
    expect(reused(await told(work))).toEqual([paths, paths]);
    const again = await told(work, [...all, "--no-reuse"]);
    expect([...reused(again), again.work.migrations > 0]).toEqual([0, 0, true]);
    expect(reused(await told(work, [...all, "--seed", "2"]))).toEqual([0, 0]);
    const kept = await told(work, [...all, "--keep"]);
    expect(reused(kept)).toEqual([0, 0]);
  });

  test("is passed over by what leads through a migration that was edited", async () => {
    await using work = await workplaceWith(files);
    await told(work);
    writeFileSync(join(work.folder, "migrations/3_pets.sql"), "create table pets (id bigint primary key)");
    const { rehearsals } = await told(work);
    expect(
      rehearsals
        .filter((each) => each.reused)
        .map(({ name }) => name.replace(/.*#/, ""))
        .sort(),
    ).toEqual(["..1_users", "..2_names", "1_users..2_names"].map((name) => expect.stringContaining(name)));
  });

  test("holds what code came to until a file of its package changes", async () => {
    const scenario = `import { clean, defineScenario, release } from "migration-sandbox";
import { table } from "../table.mjs";
const users = { name: "0001", up: async (db) => void (await db.raw("create table " + table + " (id int)")) };
export default defineScenario({
  title: "code", engines: ["postgres"],
  chain: [release("1.0", { migrations: [users] }), release("1.1", { migrations: [users, { name: "0002", up: "select 1" }] })],
  paths: [{ every: "all", expect: clean }],
});
`;
    await using work = await workplaceWith({
      "package.json": "{}",
      "table.mjs": 'export const table = "users";\n',
      "scenarios/one.ts": scenario,
      "scenarios/other.ts": scenario.replace("table +", '"t" +'),
    });
    const one = ["rehearse", "one"];
    expect(reused(await told(work, one))).toEqual([0, 0]);
    expect(reused(await told(work, one))).toEqual([3, 3]);
    // The same releases, and what may be the same text.
    expect(reused(await told(work, ["rehearse", "other"]))).toEqual([0, 0]);
    writeFileSync(join(work.folder, "table.mjs"), 'export const table = "people";\n');
    expect(reused(await told(work, one))).toEqual([0, 0]);
  });

  test("is walked around where a file of it is damaged, which is removed", async () => {
    await using work = await workplaceWith(files);
    await told(work);
    const names = readdirSync(ours(work)).filter((name) => /^[\da-f]{64}$/.test(name));
    expect(names.length).toBe(paths);
    const [cut = "", garbage = "", summed = "", empty = ""] = names.map((name) => join(ours(work), name));
    writeFileSync(cut, readFileSync(cut, "utf8").slice(0, -5));
    writeFileSync(garbage, Buffer.from([0, 255, 1, 254]));
    writeFileSync(
      summed,
      readFileSync(summed, "utf8").replace(/^./, (sign) => (sign === "0" ? "1" : "0")),
    );
    writeFileSync(empty, "");
    expect(reused(await told(work))).toEqual([paths - 4, paths - 4]);
    expect(reused(await told(work))).toEqual([paths, paths]);
    rmSync(cut);
    mkdirSync(join(cut, "inside"), { recursive: true });
    expect(reused(await told(work))).toEqual([paths - 1, paths - 1]);
    expect(reused(await told(work))).toEqual([paths, paths]);
    for (const name of readdirSync(ours(work)).filter((name) => name.startsWith("shape-")))
      writeFileSync(join(ours(work), name), "no shape");
    expect(reused(await told(work))).toEqual([0, 0]);
    expect(reused(await told(work))).toEqual([paths, paths]);
  });

  test("of another version is never read and goes, and what somebody else put there stays", async () => {
    await using work = await workplaceWith(files);
    const other = join(storeOf(work), "states-of-0.0.1");
    mkdirSync(other, { recursive: true });
    writeFileSync(join(other, "anything"), "");
    writeFileSync(join(storeOf(work), "notes.txt"), "mine");
    expect(reused(await told(work))).toEqual([0, 0]);
    expect(existsSync(other)).toBe(false);
    const [version = ""] = readdirSync(storeOf(work)).filter((name) => name.startsWith("states-of-"));
    const theirs = join(storeOf(work), version, "theirs.txt");
    writeFileSync(theirs, "mine");
    await told(work, all, { MIGRATION_SANDBOX_STORE_MB: "0.000001" });
    expect(readFileSync(join(storeOf(work), "notes.txt"), "utf8")).toBe("mine");
    expect([readFileSync(theirs, "utf8"), readdirSync(join(storeOf(work), version))]).toEqual(["mine", ["theirs.txt"]]);
  });

  test("is done without where it cannot be, though its parent is there", async () => {
    await using work = await workplaceWith(files);
    // Where nobody can make anything, whoever they are.
    expect(reused(await told(work, all, { MIGRATION_SANDBOX_STORE: "/proc/nowhere" }))).toEqual([0, 0]);
  });

  test("is bounded, and what was asked for last stays longest", async () => {
    await using work = await workplaceWith(files);
    await told(work);
    const bytes = () => readdirSync(ours(work)).reduce((sum, name) => sum + statSync(join(ours(work), name)).size, 0);
    const most = Math.ceil(bytes() * 0.6);
    // Asked for alone, these are the latest.
    await told(work, ["rehearse", "migrations", "--paths", "1_users..2_names"]);
    await told(work, ["rehearse", "migrations", "--paths", "1_users..3_pets"], {
      MIGRATION_SANDBOX_STORE_MB: String(most / 2 ** 20),
    });
    expect(bytes()).toBeLessThanOrEqual(most);
  });

  test("that cannot be written hinders nobody", async () => {
    await using work = await workplaceWith({ ...files, ".store": "a file" });
    expect(reused(await told(work))).toEqual([0, 0]);
    rmSync(storeOf(work));
    mkdirSync(storeOf(work));
    if (process.getuid?.() !== 0) {
      chmodSync(storeOf(work), 0o500);
      expect(reused(await told(work))).toEqual([0, 0]);
      return;
    }
    // Whoever is root may write anywhere but on a full disk, and one that is read only.
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4k", "tmpfs", storeOf(work)]);
    try {
      await told(work);
      await told(work);
      execFileSync("mount", ["-o", "remount,ro", storeOf(work)]);
      await told(work);
    } finally {
      execFileSync("umount", ["--lazy", storeOf(work)]);
    }
  });

  test("serves two runs at once", async () => {
    await using work = await workplaceWith(files);
    const [one, other] = await Promise.all([told(work), told(work)]);
    expect([one.rehearsals.length, other.rehearsals.length]).toEqual([paths, paths]);
    expect(reused(await told(work))).toEqual([paths, paths]);
    expect(readdirSync(ours(work)).filter((name) => name.startsWith("draft-"))).toEqual([]);
  });
});
