import pc from "picocolors";
import { type Alike, alike, narrowed, rangeOf } from "./alike.ts";
import { failuresInWords } from "./failures.ts";
import { keyOf, type Matrix } from "./matrix.ts";
import { stopsInWords } from "./stops-in-words.ts";

interface Page {
  /** How wide the terminal is, where there is one. */
  readonly columns?: number | undefined;
}

/** Without a terminal, as wide as terminals are. */
const usual = 80;

/**
 * A matrix as text: starts below each other, ends side by side, neighbours with the same outcome put together; then why cells
 * are broken, and which stops are needed. Nothing where there is but one cell, which its line has told.
 */
export function matrix(of: Matrix, { columns = usual }: Page = {}): string {
  if (of.starts.length * of.ends.length < 2) return "";
  const room = Math.max(columns, 40);
  const { rows, heads } = groupsOf(of);
  const signs = new Set(rows.flatMap(({ values }) => values.map((value) => value ?? "·")));
  return [
    `\n${pc.bold(narrowed(of.scenario, room - 32))}  from ↓ to →  ${pc.dim(`${of.engine} ${of.version}`)}`,
    ...(fits(rows, heads, room) ? named(rows, heads) : numbered(rows, heads, room)),
    pc.dim(`  ${legend(signs)}`),
    ...failuresInWords(of, room),
    ...stopsInWords(of, room),
    pc.dim(`  ${counted(of.paths)}${stopping(of)}, ${(of.milliseconds / 1000).toFixed(1)} s one after the other`),
  ].join("\n");
}

/** What a cell may hold. The plain letter is for what is known to be broken: it asks for nobody's attention. */
const signs: { readonly [sign: string]: readonly [words: string, colour: (text: string) => string] } = {
  "✓": ["clean", pc.green],
  "✗": ["broken", pc.red],
  x: ["broken, as expected", String],
  "!": ["clean, and was not to be", pc.red],
  "?": ["inconclusive", pc.yellow],
  "–": ["not walked", pc.dim],
  "·": ["not a path", pc.dim],
};

function legend(shown: ReadonlySet<string>): string {
  const told = Object.entries(signs).filter(([sign]) => shown.has(sign));
  return told.map(([sign, [words]]) => `${sign} ${words}`).join("   ");
}

function coloured(sign: string | undefined): string {
  return (signs[sign ?? "·"]?.[1] ?? String)(sign ?? "·");
}

function counted(paths: number): string {
  return paths === 1 ? "1 path" : `${paths.toLocaleString("en-US")} paths`;
}

function stopping({ stopping }: Matrix): string {
  const told = Object.entries(stopping).filter(([, count]) => count > 0);
  return told.length === 0 ? "" : ` (with stops: ${told.map(([outcome, count]) => `${count} ${outcome}`).join(", ")})`;
}

interface Row extends Alike<string | null> {
  readonly label: string;
}

interface Groups {
  readonly rows: readonly Row[];
  readonly heads: readonly string[];
}

/** Starts and ends that are alike, and what is in the cells where they meet; nothing where no path can be. */
function groupsOf({ starts, ends, cells, unmet, releases }: Matrix): Groups {
  const odd = new Set(unmet.map(keyOf));
  const places = new Map(releases.map((release, i) => [release, i]));
  const placeOf = (release: string) => places.get(release) ?? 0;
  const signAt = (row: number, column: number): string | undefined => {
    const [start = null, end = ""] = [starts[row], ends[column]];
    const isOdd = odd.has(keyOf({ start, end }));
    switch (cells[row]?.[column] ?? null) {
      case "clean":
        return isOdd ? "!" : "✓";
      case "broken":
        return isOdd ? "✗" : "x";
      case "inconclusive":
        return "?";
      case null:
        return start !== null && placeOf(end) <= placeOf(start) ? undefined : "–";
    }
  };
  const rows = alike(
    [...starts.keys()],
    (row) => ends.map((_, column) => signAt(row, column)),
    (row) => starts[row] === null,
  );
  const columns = alike([...ends.keys()], (column) => rows.map(({ values }) => values[column]));
  return {
    heads: columns.map(({ items }) => rangeOf(items.map((column) => ends[column] ?? ""))),
    rows: rows.map(({ items }, i) => ({
      items: items.map((row) => starts[row] ?? null),
      label: rangeOf(items.map((row) => starts[row] ?? "fresh install")),
      values: columns.map(({ values }) => values[i]),
    })),
  };
}

function fits(rows: readonly Row[], heads: readonly string[], room: number): boolean {
  return 2 + widest(rows.map(({ label }) => label)) + heads.reduce((sum, { length }) => sum + 2 + length, 0) <= room;
}

function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map(({ length }) => length));
}

/** Ends stand by their names above their columns. */
function named(rows: readonly Row[], heads: readonly string[]): readonly string[] {
  const label = widest(rows.map((row) => row.label));
  const head = heads.map((name) => `  ${name}`).join("");
  return [
    pc.dim(`  ${"".padEnd(label)}${head}`),
    ...rows.map((row) => {
      const cells = row.values.map((sign, i) => `  ${coloured(sign)}${" ".repeat((heads[i]?.length ?? 1) - 1)}`);
      return `  ${row.label.padEnd(label)}${cells.join("")}`.trimEnd();
    }),
  ];
}

/** Ends stand by their numbers above their columns, and by their names below; what is too wide goes on below. */
function numbered(rows: readonly Row[], heads: readonly string[], room: number): readonly string[] {
  const wanted = widest(rows.map(({ label }) => label));
  const widthOf = (cell: number) => room - 4 - cell * heads.length;
  const cell = widthOf(2) >= Math.min(wanted, 30) ? 2 : 1;
  // Names are cut before columns are moved below each other.
  const label = Math.min(wanted, widthOf(cell) >= 16 ? widthOf(cell) : 28);
  const perBand = Math.floor((room - 4 - label) / cell);
  const bands = Array.from({ length: Math.ceil(heads.length / perBand) }, (_, i) => i * perBand);
  const gap = " ".repeat(cell - 1);
  const drawn = bands.flatMap((from) => {
    const here = heads.slice(from, from + perBand).map((_, i) => String(from + i + 1));
    const digits = widest(here);
    const head = Array.from({ length: digits }, (_, line) =>
      pc.dim(`  ${"".padEnd(label)}  ${here.map((number) => number.padStart(digits)[line]).join(gap)}`),
    );
    const within = rows.map((row) => ({ ...row, values: row.values.slice(from, from + perBand) }));
    const shown = within.filter(({ values }) => bands.length === 1 || values.some((value) => value !== undefined));
    return [
      ...head,
      ...shown.map((row) => `  ${narrowed(row.label, label).padEnd(label)}  ${row.values.map(coloured).join(gap)}`),
    ];
  });
  return [
    ...drawn,
    ...inLines(
      heads.map((name, i) => narrowed(`${i + 1} ${name}`, room - 6)),
      room,
    ).map((line) => pc.dim(line)),
  ];
}

/** The names of columns, as many in a line as it takes. */
function inLines(names: readonly string[], room: number): readonly string[] {
  const lines: string[] = [];
  for (const name of names) {
    const longer = lines.length === 0 ? `  to  ${name}` : `${lines.at(-1)}   ${name}`;
    if (lines.length === 0) lines.push(longer);
    else if (longer.length <= room) lines[lines.length - 1] = longer;
    else lines.push(`      ${name}`);
  }
  return lines;
}
