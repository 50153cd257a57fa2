import { spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mariadb } from "../../harness/engines/mariadb.ts";
import { haveServer } from "../../harness/servers/had.ts";
import { localInstallations } from "../../harness/servers/local.ts";
import { prepared } from "../../harness/servers/prepared.ts";
import { serverEnvironment, serverUser } from "../../harness/servers/run.ts";
import { compare, type Figure, timed } from "./figure.ts";

/** A server of MariaDB from local binaries, against the same done by hand on the same medium. */
export async function* local(): AsyncGenerator<Figure> {
  const [installation] = localInstallations(mariadb);
  if (installation === undefined) throw new Error("There is no MariaDB on this machine");
  const user = serverUser();
  const medium = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  const place = mkdtempSync(join(medium, "bench-"));
  const as = user === undefined ? {} : { uid: user.uid, gid: user.gid };
  try {
    chmodSync(place, 0o755);
    const { data, executable } = prepared(installation, user);
    yield await compare(
      {
        name: "warm start, local mariadb",
        what: "from the wish to a server that takes connections",
        floor: "cp -R of the prepared folder, mariadbd spawned directly, its ready line read",
        target: 1.3,
      },
      {
        rounds: 15,
        async ours() {
          const begun = performance.now();
          const server = await haveServer({ engine: "mariadb" }, { source: "local" });
          const elapsed = performance.now() - begun;
          await server.stop();
          return elapsed;
        },
        async floor() {
          const folder = mkdtempSync(join(place, "floor-"));
          if (user !== undefined) chownSync(folder, user.uid, user.gid);
          const copy = join(folder, "data");
          const port = 34_000 + Math.floor(Math.random() * 5000);
          const args = mariadb.program.launch({ data: copy, port, sockets: folder, version: installation.version });
          let end: (() => Promise<void>) | undefined;
          const elapsed = await timed(async () => {
            spawnSync("cp", ["-R", data, copy], as);
            end = await untilReady(executable, args, { ...as, cwd: "/", env: serverEnvironment() });
          });
          await end?.();
          rmSync(folder, { recursive: true, force: true });
          return elapsed;
        },
      },
    );
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** Resolves, once a server says that it takes connections, to what ends it. */
function untilReady(program: string, args: readonly string[], options: object): Promise<() => Promise<void>> {
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"], ...options });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  let words = "";
  return new Promise((resolve, reject) => {
    child.stderr?.on("data", (said: Buffer) => {
      words += said;
      if (!mariadb.program.isReady(words)) return;
      resolve(() => {
        child.kill("SIGKILL");
        return ended;
      });
    });
    child.once("exit", () => reject(new Error(`It ended: ${words}`)));
  });
}
