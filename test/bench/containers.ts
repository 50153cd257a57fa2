import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { compare, type Figure } from "./figure.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** A program that does nothing but start a container as the documentation of Testcontainers says, until it is told to end. */
const program = `
import { PostgreSqlContainer } from "@testcontainers/postgresql";
const container = await new PostgreSqlContainer("postgres:15").start();
console.log("started");
process.stdin.once("data", async () => {
  await container.stop({ timeout: 0 });
  process.exit();
});
`;

/** As it is shipped: as source, the process that keeps a container would be translated first. */
const had: string = new URL("../../dist/servers/had.js", import.meta.url).href;

/** A server in a container, against what Testcontainers itself takes, which both have to load. */
export async function* containers(): AsyncGenerator<Figure> {
  yield await compare(
    {
      name: "start of a container, postgres:15",
      what: "from the wish to a server that takes connections",
      floor: "a program of three lines that starts the same image by Testcontainers",
      target: 1.1,
    },
    { rounds: 7, ours, floor },
  );
}

async function ours(): Promise<number> {
  const { haveServer } = (await import(had)) as typeof import("../../harness/servers/had.ts");
  const begun = performance.now();
  const server = await haveServer({ engine: "postgres", version: "15" }, { source: "container" });
  const elapsed = performance.now() - begun;
  await server.stop();
  return elapsed;
}

function floor(): Promise<number> {
  const begun = performance.now();
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    cwd: root,
    stdio: ["pipe", "pipe", "inherit"],
  });
  let elapsed: number | undefined;
  child.stdout.once("data", () => {
    elapsed = performance.now() - begun;
    child.stdin.write("end\n");
  });
  return new Promise((resolve, reject) => {
    child.once("exit", () =>
      elapsed === undefined ? reject(new Error("Testcontainers started nothing")) : resolve(elapsed),
    );
  });
}
