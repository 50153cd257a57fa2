// What befalls a server in the middle of a run: no verdict, its cause, and nothing that a next run would not remove.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openExisting } from "../../harness/servers/existing.ts";
import { cloneBegun, cloningMany, discreetWorkplace, here, somebodys, upgrade } from "./somebody.ts";

const limit = { timeout: 120_000 };
const mayMount = spawnSync("unshare", ["--mount", "true"], { timeout: 10_000 }).status === 0;

describe.each([...here.keys()])("a server of %s that somebody runs", limit, (name) => {
  const inContainer = here.get(name) === "container";

  it("is lost when it is killed while a clone is made, and told so", async () => {
    await using server = await somebodys(name);
    await using work = await discreetWorkplace({ "scenarios/users.ts": cloningMany(6) });
    const { child, ended } = work.start(["rehearse", "--server", server.url]);
    await cloneBegun(server, child);
    const killed = await server.kill();
    const { code, stdout, stderr } = await ended;
    expect(stdout).toContain("✓ #1  fresh install of 1.0");
    expect(stdout).toMatch(/\? #\d .* inconclusive \(server-lost\), expected clean\n/);
    expect(stdout).not.toMatch(/broken|migration-failed/);
    expect(stdout).toContain(`Cannot reach ${name} (existing) any more: `);
    expect({ code, stderr }).toEqual({ code: 2, stderr: "" });
    expect(await work.leftBehind()).toEqual([]);
    if (killed === undefined) return; // A container's data went with it.
    await killed.revive();
    await using later = await discreetWorkplace({ "scenarios/users.ts": upgrade });
    expect(await later.run(["rehearse", "--server", server.url])).toMatchObject({ code: 0, stderr: "" });
    expect(await server.sandboxes()).toEqual([]);
  });

  const whyNot = inContainer ? " (a container has no disk of ours)" : mayMount ? "" : " (nothing may be mounted here)";
  it.skipIf(whyNot !== "")(
    `has no room left while a clone is made, and half a clone is not left${whyNot}`,
    async () => {
      await onDisk(async (disk) => {
        await using server = await somebodys(name, disk);
        await using work = await discreetWorkplace({ "scenarios/users.ts": cloningMany(5) });
        const environment = { DISK_TO_FILL: disk };
        const { code, stdout, stderr } = await work.run(["rehearse", "--server", server.url], { environment });
        expect(stdout).toContain("✓ #1  fresh install of 1.0");
        expect(stdout).toMatch(/\? #\d .* inconclusive \(disk-full\), expected clean\n/);
        expect(stdout).toMatch(/ {2}disk-full {2}Cannot go on: the server has no room left \(.*\); make room\n/);
        expect(stdout).not.toMatch(/broken|migration-failed|seeder-failed/);
        expect({ code, stderr }).toEqual({ code: 2, stderr: "" });
        expect(await work.leftBehind()).toEqual([]);
        expect(await server.sandboxes()).toEqual([]);
      });
    },
  );

  it("is refused when it is older than what is supported", async () => {
    await using server = await somebodys(name);
    const existing = { url: server.url, toldBy: "--server" };
    const refusal = openExisting(existing, { ...server.engine, oldest: "99.9" });
    await expect(refusal).rejects.toThrow(/names: it is \w+ [\d.]+, and 99\.9 is the oldest that is supported$/);
    await expect(refusal).rejects.toMatchObject({ code: "server-unusable" });
    if (name !== "mariadb" || inContainer) return;
    // MariaDB itself can be told to say that it is an older one.
    const killed = await server.kill();
    await killed?.revive("--version=10.4.34-MariaDB");
    await using work = await discreetWorkplace({ "scenarios/users.ts": upgrade });
    const { code, stderr } = await work.run(["rehearse", "--server", server.url]);
    expect(stderr).toMatch(/ names: it is MariaDB 10\.4\.34, and 10\.5 is the oldest that is supported\n$/);
    expect(code).toBe(2);
    expect(await server.sandboxes()).toEqual([]);
  });
});

/** A disk in memory. */
async function onDisk(act: (disk: string) => Promise<void>): Promise<void> {
  const disk = await mkdtemp(join(tmpdir(), "disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=400m,mode=755", "tmpfs", disk], { timeout: 10_000 });
  try {
    await act(disk);
  } finally {
    execFileSync("umount", ["--lazy", disk], { timeout: 10_000 });
    await rm(disk, { recursive: true });
  }
}
