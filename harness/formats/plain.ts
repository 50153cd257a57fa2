import type { LeftOut } from "../chain.ts";
import { HarnessError } from "../errors.ts";
import { asAsked } from "./asked.ts";
import { codeAmong } from "./code.ts";
import type { Folder, Format } from "./format.ts";
import { byNumber, migrationOf, type Named, named, pairsOf } from "./named.ts";

/**
 * Numbered SQL that no tool claims: `1_users.sql`, `2_names.up.sql` with `2_names.down.sql`, `1.10.0-x.sql`. Numbers count as
 * numbers, part by part; `x.mysql.sql` is what MySQL runs instead of `x.sql`. What was applied stands in our own record.
 */
export const plain: Format = {
  name: "plain",
  title: "plain numbered SQL",
  numbersPerFolder: true,

  async detect({ files }) {
    const ups = sqlOf(files).filter(({ number, direction }) => number !== undefined && direction === "up");
    const [first] = [...ups].sort(byNumber);
    return first === undefined ? undefined : { by: "names", what: `the number of ${first.file}` };
  },

  async read(folder, options) {
    const files = sqlOf(folder.files);
    const numbered = files.filter(isNumbered);
    if (numbered.length === 0) {
      const why = "it holds no .sql file whose name begins with a number";
      throw new HarnessError("bad-input", `Cannot read migrations from "${folder.path}": ${why}`);
    }
    const pairs = pairsOf(folder, numbered, { engine: options.engine, what: "number" });
    const migrations = pairs.map((pair) => migrationOf(folder, pair, { name: pair.up.name, options }));
    return { migrations: await Promise.all(migrations), ...leftOut(folder, files), ...asAsked(options) };
  },
};

function sqlOf(files: readonly string[]): readonly Named[] {
  return files.filter((file) => !file.includes("/")).flatMap((file) => named(file) ?? []);
}

function isNumbered({ number }: Named): boolean {
  return number !== undefined;
}

function leftOut(folder: Folder, files: readonly Named[]): { readonly leftOut?: readonly LeftOut[] } {
  const why = "its name begins with no number, so nothing says when it runs";
  const unnumbered = files.filter((file) => !isNumbered(file)).map(({ file }) => ({ name: file, why }));
  const left = [...unnumbered, ...codeAmong(folder.files)];
  return left.length === 0 ? {} : { leftOut: left.sort((a, b) => (a.name < b.name ? -1 : 1)) };
}
