import { applying } from "./applying.ts";
import { cloning } from "./cloning.ts";
import { cloningMysql } from "./cloning-mysql.ts";
import { comparing } from "./comparing.ts";
import { containers } from "./containers.ts";
import type { Figure } from "./figure.ts";
import { local } from "./local.ts";
import { matrix } from "./matrix.ts";
import { memory } from "./memory.ts";
import { reading } from "./reading.ts";
import { sowing } from "./sowing.ts";
import { starting } from "./starting.ts";
import { throughput } from "./workers.ts";

const figures: { readonly [name: string]: () => AsyncIterable<Figure> } = {
  starting,
  local,
  containers,
  cloning,
  "cloning-mysql": cloningMysql,
  comparing,
  sowing,
  applying,
  reading,
  matrix,
  workers: throughput,
  memory,
};

const args = process.argv.slice(2);
const asked = args.filter((arg) => !arg.startsWith("--"));
const unknown = asked.find((name) => figures[name] === undefined);
if (unknown !== undefined)
  throw new Error(`There is no figure "${unknown}" (known: ${Object.keys(figures).join(", ")})`);

const measured: Figure[] = [];
for (const [name, measure] of Object.entries(figures)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  for await (const figure of measure()) {
    measured.push(figure);
    if (!args.includes("--json")) console.log(lineOf(figure));
  }
}
if (args.includes("--json")) console.log(JSON.stringify(measured, undefined, 2));

function lineOf({ name, what, floor, ours, floors, unit, ratio, target }: Figure): string {
  const sign = ratio <= target ? "met   " : "MISSED";
  const amounts = `${ours.toFixed(1)} ${unit} against ${floors.toFixed(1)} ${unit}`;
  return `${sign} ${name.padEnd(34)} ${ratio.toFixed(2)}x (target <= ${target.toFixed(2)}x)  ${amounts}: ${what}, against ${floor}`;
}
