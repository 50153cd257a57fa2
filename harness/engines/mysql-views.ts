import type { Row } from "../snapshot.ts";
import type { Copy } from "./mysql-copy.ts";
import { create, tongue } from "./mysql-definitions.ts";
import { standInsFor } from "./mysql-stand-ins.ts";
import { quoted, relocated } from "./mysql-text.ts";

interface View {
  readonly name: string;
  readonly text: string;
  readonly shown: Row;
}

/** Creates views, each after those it reads; those that read what is gone as well. */
export async function createViews(copy: Copy, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const { crew, from, to } = copy;
  // Only from inside the database does the server leave its name away.
  const [, ...shown] = await crew.send(
    `use ${quoted(from)}`,
    ...names.map((name) => `show create view ${quoted(name)}`),
  );
  const views = names.map((name, i): View => {
    const row = shown[i]?.[0] ?? {};
    return { name, shown: row, text: relocated(String(row["Create View"]), from, to) };
  });
  const invalid = await createInTurn(views, (view) => createView(copy, view));
  if (invalid.length > 0) await createInvalid(copy, invalid);
}

async function createView({ crew, to }: Copy, { text, shown }: View): Promise<void> {
  await create(crew, text, [`use ${quoted(to)}`, `set ${tongue(shown, text)}`]);
}

/** Goes through them until no more come through; what is left. */
async function createInTurn(views: readonly View[], act: (view: View) => Promise<void>): Promise<readonly View[]> {
  const left: View[] = [];
  for (const view of readersLast(views)) await act(view).catch(() => left.push(view));
  return left.length === 0 || left.length === views.length ? left : createInTurn(left, act);
}

function readersLast(views: readonly View[]): ReadonlySet<View> {
  const ordered = new Set<View>();
  const visited = new Set<View>();
  const visit = (view: View): void => {
    if (visited.has(view)) return;
    visited.add(view);
    for (const other of views) if (view.text.includes(quoted(other.name))) visit(other);
    ordered.add(view);
  };
  for (const view of views) visit(view);
  return ordered;
}

/** While stand-ins are there for what is gone, the server takes the view; afterwards it is as invalid as the one it is like. */
async function createInvalid(copy: Copy, views: readonly View[]): Promise<void> {
  const { crew, to } = copy;
  const standIns = standInsFor(
    copy,
    views.map(({ name }) => name),
  );
  try {
    const left = await createInTurn(views, (view) => standIns.until(view.text, () => createView(copy, view)));
    for (const { name } of left) {
      await standIns.addTable("_gone");
      await crew.send(`create view ${quoted(to)}.${quoted(name)} as select * from ${quoted(to)}._gone`);
    }
  } finally {
    await standIns.remove();
  }
}
