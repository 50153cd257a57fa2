import { setTimeout as sleep } from "node:timers/promises";
import { differences } from "./difference.ts";
import type { Difference } from "./differing.ts";
import type { Reading } from "./reading.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Finding } from "./verdict.ts";

/**
 * Compares what several runners made of a hop with what one makes of it. What comes out otherwise whenever the hop is
 * walked (a time, a random key) is nobody's doing; only then it is walked alone once more.
 *
 * @param alone walks the hop with one runner; `undefined` if that does not come up either
 */
export async function startsDiffer(
  after: Snapshot,
  alone: () => Promise<Reading | undefined>,
): Promise<readonly Finding[]> {
  const one = await alone();
  if (one === undefined) return [];
  const found = await differences(one, after);
  // Where clocks tell whole seconds, two walks within one of them would come to the same time.
  if (found.length > 0) await sleep(1000);
  const other = found.length === 0 ? undefined : await alone();
  const always = other === undefined ? [] : await differences(one, other);
  await one.close();
  await other?.close();
  return found.flatMap((difference) => {
    const left = withoutWhatAlwaysDiffers(difference, always);
    return left === undefined ? [] : [differ(left)];
  });
}

/** What is left of a difference between two walks of a hop, by what two other walks of it differ in. */
export function withoutWhatAlwaysDiffers(found: Difference, always: readonly Difference[]): Difference | undefined {
  if (found.rows === undefined) return always.some(({ message }) => message === found.message) ? undefined : found;
  const volatile = always.find(({ table, rows }) => table === found.table && rows !== undefined);
  if (volatile?.rows === undefined) return found;
  // Where keys are drawn anew each time, rows can only be counted.
  if (volatile.rows.lost > 0 || volatile.rows.added > 0)
    return found.rows.lost === found.rows.added ? undefined : found;
  const columns = found.rows.columns.filter((column) => !volatile.rows?.columns.includes(column));
  const onlyChanged = found.rows.lost === 0 && found.rows.added === 0;
  return onlyChanged && columns.length === 0 ? undefined : found;
}

function differ({ table, message }: Difference): Finding {
  return {
    code: "ends-differ",
    ...(table !== undefined && { table }),
    message: `several runners come to another end than one: ${message}`,
  };
}
