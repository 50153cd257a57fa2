import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Change } from "../../harness/chain.ts";
import type { Folder, Format } from "../../harness/formats/format.ts";
import { formats } from "../../harness/formats/formats.ts";
import type { Files } from "../tools/driving.ts";
import { type Chain, type ChainName, chains } from "./chains.ts";
import { outcomeOf } from "./outcome.ts";
import { samples } from "./samples.ts";
import type { Outcome, Tool } from "./tool.ts";
import { clients, driven, imitated } from "./tools.ts";

const file = resolve(import.meta.dirname, "../../harness/formats/README.md");

/** The formats' README, as it stands and as it should: with the tables that formats and tests tell. */
export async function readme(): Promise<{ readonly file: string; readonly is: string; readonly should: string }> {
  const is = readFileSync(file, "utf8");
  const told: { readonly [name: string]: string } = {
    formats: await formatsTold(),
    imitated: chainsTold([...imitated, ...clients.filter(({ title }) => title === "Sqitch")]),
    driven: chainsTold([...driven, ...clients.filter(({ title }) => title !== "Sqitch")]),
  };
  const parts = is.split(/(?<=<!-- table: .* -->\n)[\s\S]*?(?=<!-- \/table -->)/);
  const filled = parts.map((part) => {
    const [, name] = /<!-- table: (.*) -->\n$/.exec(part) ?? [];
    return name === undefined ? part : `${part}\n${told[name]}\n\n`;
  });
  return { file, is, should: filled.join("") };
}

async function formatsTold(): Promise<string> {
  const head = [
    "format",
    "known by",
    "sent",
    "transaction",
    "lock",
    "late",
    "edited",
    "removed",
    "record",
    "held against",
  ];
  return table(head, await Promise.all(formats.map(formatTold)));
}

async function formatTold(format: Format): Promise<readonly string[]> {
  const { files, against } = samples[format.name] ?? { files: {}, against: "" };
  const folder = folderOf(files);
  const evidence = await format.detect(folder);
  const { migrations, migrator } = await format.read(folder, { engine: "postgres" });
  const rules = migrator ?? { transaction: "each", lock: "wait", late: "run", edited: "ignore", removed: "ignore" };
  const { transaction, lock, late, edited, removed } = rules;
  const [record = "ours", ...more] = migrator?.record.tables ?? [];
  const tables = more.length === 0 ? record : `${record} and ${more.length} more`;
  const told = [sentAs(migrations[0]?.up ?? ""), transaction, lock, late, edited, removed, tables, against];
  return [format.title, `${evidence?.by}: \`${evidence?.what}\``, ...told];
}

function sentAs(up: Change): string {
  if (typeof up === "function") return "as code";
  const pieces = typeof up === "object" && "sql" in up && typeof up.sql === "string" ? up.pieces : undefined;
  return pieces === undefined || pieces.length === 1 ? "whole" : "by statement";
}

/** A folder that is nowhere. */
function folderOf(files: Files): Folder {
  const bytes = async (name: string) => Buffer.from(files[name] ?? "");
  return {
    path: "migrations",
    files: Object.keys(files),
    shown: (name) => `migrations/${name}`,
    text: async (name) => files[name] ?? "",
    bytes,
    size: async (name) => (await bytes(name)).length,
    async *stream(name) {
      yield await bytes(name);
    },
  };
}

function chainsTold(tools: readonly Tool[]): string {
  const rows = (Object.entries(chains) as [ChainName, Chain][]).map(([name, chain]) => [
    chain.title,
    ...tools.map((tool) => cell(tool, name, chain)),
  ]);
  return table(
    ["", ...tools.map(({ title }) => title)],
    rows.filter(([, ...cells]) => cells.some((told) => told !== "")),
  );
}

/** One outcome, or the one on PostgreSQL and that on MySQL and MariaDB. */
function cell(tool: Tool, name: ChainName, chain: Chain): string {
  const engines = tool.engines.filter((engine) => chain.engines.includes(engine));
  const told = engines.map((engine) => inWords(outcomeOf(tool, name, engine))).filter((outcome) => outcome !== "");
  return [...new Set(told)].join(" / ");
}

function inWords(outcome: Outcome): string {
  if (outcome === "none") return "";
  if (typeof outcome === "string") return outcome;
  return "refuses" in outcome ? "refused" : `\`${outcome.fails}\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
