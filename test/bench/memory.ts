import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Figure, median } from "./figure.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const report = 'process.on("exit", () => process.stderr.write("peak " + process.resourceUsage().maxRSS + "\\n"))';
const limit = 110;

/** Peak memory of the Node process, against the limit we set ourselves. */
export async function* memory(): AsyncGenerator<Figure> {
  for (const what of ["dstack/volumes-of-two-owners#10", "dstack"]) {
    const peaks = Array.from({ length: 11 }, () => peakOf(what));
    const ours = median(peaks);
    const about = {
      name: `peak memory, rehearse ${what}`,
      what: "peak resident memory of Node",
      floor: `${limit} MB allowed`,
    };
    yield { ...about, ours, floors: limit, unit: "MB", ratio: ours / limit, target: 1 };
  }
}

function peakOf(what: string): number {
  const command = ["dist/cli.js", "rehearse", what, "--engine", "postgres"];
  const args = ["--import", `data:text/javascript,${encodeURIComponent(report)}`, ...command];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8", timeout: 60_000 });
  if (status !== 0) throw new Error(`rehearse ${what} ended with ${status}: ${stderr}`);
  return Number(/peak (\d+)/.exec(stderr)?.[1]) / 1000; // Linux counts in kilobytes.
}
