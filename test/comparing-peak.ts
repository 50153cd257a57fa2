import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Engine } from "../harness/engines/engine.ts";
import type { Sandbox } from "../harness/sandbox.ts";

const built = (file: string) => JSON.stringify(fileURLToPath(new URL(`../dist/${file}`, import.meta.url)));

/** Peak memory, in megabytes, of a Node process that does nothing else than compare two databases, and the messages it found. */
export async function peakOfComparing(
  engine: Engine,
  sandboxes: readonly [Sandbox, Sandbox],
): Promise<{ readonly peak: number; readonly messages: readonly string[] }> {
  for (const sandbox of sandboxes) await sandbox.thaw();
  const script = `
    import { differences } from ${built("difference.js")};
    import { engineNamed } from ${built("engines/named.js")};
    const [name, ...addresses] = process.argv.slice(1);
    const engine = engineNamed(name);
    const [one, other] = await Promise.all(addresses.map((address) => engine.snapshot(JSON.parse(address))));
    const messages = (await differences(one, other)).map(({ message }) => message);
    await Promise.all([one.end(), other.end()]);
    // Linux counts in kilobytes.
    console.log(JSON.stringify({ peak: process.resourceUsage().maxRSS / 1000, messages }));`;
  const addresses = sandboxes.map(({ address }) => JSON.stringify(address));
  const args = ["--input-type=module", "--eval", script, engine.name, ...addresses];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 300_000 });
  if (status !== 0) throw new Error(`Comparing ended with ${status}: ${stderr}`);
  return JSON.parse(stdout);
}
