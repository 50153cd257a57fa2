// Runs of several machines on one server that somebody runs: who is alive is told by a lock there, not by a pid here.
import { type ChildProcess, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { command, eventually, type Workplace } from "../command.ts";
import {
  cloneBegun,
  cloningMany,
  discreetWorkplace,
  here,
  type Somebodys,
  somebodys,
  upgrade,
  waiting,
} from "./somebody.ts";

const limit = { timeout: 120_000 };
const machine = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];
const cannot = spawnSync(machine[0] as string, [...machine.slice(1), "true"], { timeout: 10_000 }).status !== 0;

describe.each([...here.keys()])("two machines that share a server of %s", limit, (name) => {
  let server: Somebodys;
  beforeAll(async () => {
    server = await somebodys(name);
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  it.skipIf(cannot)(
    `leave each other's databases alone while they live${cannot ? " (unshare may not be used here)" : ""}`,
    async () => {
      await using one = await discreetWorkplace({ "scenarios/users.ts": waiting });
      await using other = await discreetWorkplace({ "scenarios/users.ts": waiting });
      await using later = await discreetWorkplace({ "scenarios/users.ts": upgrade });
      const first = start(one);
      await reached(one, first.child);
      const ofFirst = await server.sandboxes();
      const second = start(other);
      await reached(other, second.child);
      const ofBoth = await server.sandboxes();
      expect(ofFirst.length).toBeGreaterThan(0);
      expect(ofBoth).toEqual(expect.arrayContaining([...ofFirst]));
      expect(ofBoth.length).toBeGreaterThan(ofFirst.length);

      await writeFile(join(one.folder, "go"), "");
      expect(await first.ended).toMatchObject({ code: 0, stderr: "" });
      const ofSecond = ofBoth.filter((database) => !ofFirst.includes(database));
      expect(await server.sandboxes()).toEqual(ofSecond);

      // Neither does a third one that comes and goes, nor somebody who cleans up.
      expect(await later.run(["rehearse", "--server", server.url])).toMatchObject({ code: 0 });
      expect(await later.run(["doctor", "--clean", "--server", server.url])).toMatchObject({ code: 0 });
      expect(await server.sandboxes()).toEqual(ofSecond);

      second.child.kill("SIGKILL");
      await second.ended;
      expect(await server.sandboxes()).toEqual(ofSecond);
      // The server may need a moment to see that nobody is there any more.
      const left = await eventually(
        async () => {
          await later.run(["rehearse", "--server", server.url]);
          return server.sandboxes();
        },
        (databases) => databases.length === 0,
      );
      expect(left).toEqual([]);
      for (const work of [one, other, later]) expect(await work.leftBehind()).toEqual([]);
    },
  );

  it("clean up at once after one that was killed, and both come through", async () => {
    await using killed = await discreetWorkplace({ "scenarios/users.ts": waiting });
    await using one = await discreetWorkplace({ "scenarios/users.ts": upgrade });
    await using other = await discreetWorkplace({ "scenarios/users.ts": upgrade });
    const run = killed.start(["rehearse", "--server", server.url]);
    await reached(killed, run.child);
    run.child.kill("SIGKILL");
    await run.ended;
    const both = await Promise.all([one, other].map((work) => work.run(["rehearse", "--server", server.url])));
    for (const ended of both) expect(ended).toMatchObject({ code: 0, stderr: "" });
    expect(
      await eventually(
        () => server.sandboxes(),
        (left) => left.length === 0,
      ),
    ).toEqual([]);
  });

  it("SIGINT in the middle leaves nothing on it", async () => {
    await using work = await discreetWorkplace({ "scenarios/users.ts": waiting });
    const { child, ended } = work.start(["rehearse", "--server", server.url]);
    await reached(work, child);
    child.kill("SIGINT");
    expect((await ended).code).toBe(130);
    expect(await server.sandboxes()).toEqual([]);
  });

  it("SIGKILL in the middle of a clone leaves nothing that the next run would not remove", async () => {
    await using work = await discreetWorkplace({ "scenarios/users.ts": cloningMany(6) });
    const { child, ended } = work.start(["rehearse", "--server", server.url]);
    await cloneBegun(server, child);
    child.kill("SIGKILL");
    expect((await ended).code).toBe(null);
    await using later = await discreetWorkplace({ "scenarios/users.ts": upgrade });
    // A server goes on with what a session asked for until it sees that nobody is there any more.
    const left = await eventually(
      async () => {
        expect(await later.run(["rehearse", "--server", server.url])).toMatchObject({ code: 0, stderr: "" });
        return server.sandboxes();
      },
      (databases) => databases.length === 0,
      20_000,
    );
    expect(left).toEqual([]);
  });

  function start(work: Workplace) {
    return work.start(["rehearse", "--server", server.url], { words: [...machine, ...command] });
  }
});

async function reached(work: Workplace, child: ChildProcess): Promise<void> {
  const there = () => existsSync(join(work.folder, "waiting"));
  await eventually(there, (is) => is || child.exitCode !== null, 30_000);
  expect({ there: there(), code: child.exitCode }).toEqual({ there: true, code: null });
}
