import pc from "picocolors";
import type { EngineName } from "../database.ts";
import type { Rehearsal } from "../rehearsal.ts";
import { findingInShort, numberOf, pathInWords } from "./pretty.ts";

/** For each scenario that was walked on more than one engine: its paths, and what came out on each. */
export function sideBySide(rehearsals: readonly Rehearsal[]): string {
  const scenarios = [...new Set(rehearsals.map(({ scenario }) => scenario))];
  return scenarios.flatMap((name) => tableOf(rehearsals.filter(({ scenario }) => scenario === name))).join("\n");
}

function tableOf(rehearsals: readonly Rehearsal[]): readonly string[] {
  const columns = new Map(rehearsals.map((rehearsal) => [columnOf(rehearsal), rehearsal.engine]));
  if (columns.size < 2) return [];
  const rows = [...new Map(rehearsals.map((rehearsal) => [rehearsal.name, rehearsal])).values()].sort(byNumber);
  const cell = ({ name }: Rehearsal, column: string) => {
    const rehearsal = rehearsals.find((r) => r.name === name && columnOf(r) === column);
    return rehearsal === undefined ? undefined : { rehearsal, text: `${signOf(rehearsal)} ${inShort(rehearsal)}` };
  };
  const widths = [...columns.keys()].map((column) =>
    Math.max(column.length, ...rows.map((row) => cell(row, column)?.text.length ?? 0)),
  );
  const name = rehearsals[0]?.scenario ?? "";
  const labels = rows.map((row) => `  ${numberOf(row).padEnd(numbersWidth(rows))}  ${pathInWords(row)}`);
  const first = Math.min(Math.max(name.length, ...labels.map(({ length }) => length)), widestLabel);
  const heads = [...columns.keys()].map((column, i) => column.padEnd(widths[i] ?? 0)).join("  ");
  const told = rows.map((row, r) => {
    const cells = [...columns.keys()].map((column, i) => {
      const { rehearsal, text } = cell(row, column) ?? {};
      return colourOf(rehearsal)((text ?? "").padEnd(widths[i] ?? 0));
    });
    return `${cut(labels[r] ?? "", first)}  ${cells.join("  ")}`.trimEnd();
  });
  return [`\n${pc.bold(name.padEnd(first))}  ${pc.dim(heads.trimEnd())}`, ...told];
}

/** Longer ones are cut: their whole text stands above, beside their number. */
const widestLabel = 90;

function cut(text: string, width: number): string {
  return text.length <= width ? text.padEnd(width) : `${text.slice(0, width - 1)}…`;
}

function columnOf({ engine, version }: { readonly engine: EngineName; readonly version: string }): string {
  return `${engine} ${version}`;
}

function numbersWidth(rows: readonly Rehearsal[]): number {
  return Math.max(...rows.map((row) => numberOf(row).length));
}

function byNumber(a: Rehearsal, b: Rehearsal): number {
  return Number(numberOf(a).slice(1)) - Number(numberOf(b).slice(1));
}

function signOf({ met, verdict }: Rehearsal): string {
  return met ? "✓" : verdict.outcome === "inconclusive" ? "?" : "✗";
}

function inShort({ verdict }: Rehearsal): string {
  switch (verdict.outcome) {
    case "clean":
      return "clean";
    case "broken":
      return shortened([...new Set(verdict.findings.map(findingInShort))]);
    case "inconclusive":
      return verdict.cause.code;
  }
}

/** The first is the cause, or as near to it as can be told; all of them stand above. */
function shortened([first = "", ...more]: readonly string[]): string {
  return more.length === 0 ? first : `${first} (and ${more.length} more)`;
}

function colourOf(rehearsal: Rehearsal | undefined): (text: string) => string {
  if (rehearsal === undefined || rehearsal.met) return (text) => text;
  return rehearsal.verdict.outcome === "inconclusive" ? pc.yellow : pc.red;
}
