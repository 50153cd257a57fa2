import type { Soil } from "../seeder.ts";

/** As many as Faker makes in a few milliseconds: for each cell anew it would take longer than the database does. */
const poolSize = 997;

/**
 * Values that look like a product's, as many as there are cells: Faker fills a pool once, and each call picks out of it. The
 * same seed gives the same values.
 *
 * @param unique no text comes twice: each has its number behind it, in a mail address before the `@`
 *
 * @example
 * ```ts
 * import { believable, seeder } from "migration-sandbox";
 * const customers = seeder("5,000 customers", async (soil) => {
 *   const name = believable(soil, (faker) => faker.person.fullName());
 *   const email = believable(soil, (faker) => faker.internet.email(), { unique: true });
 *   await soil.plant("customers", Array.from({ length: 5000 }, (_, i) => ({ id: i + 1, name: name(), email: email() })));
 * });
 * console.assert(customers.name === "5,000 customers");
 * ```
 */
export function believable<T>(
  { faker, random }: Pick<Soil, "faker" | "random">,
  make: (faker: Soil["faker"]) => T,
  { unique = false }: { readonly unique?: boolean } = {},
): () => T {
  const pool = Array.from({ length: poolSize }, () => make(faker));
  const pick = () => pool[Math.floor(random() * poolSize)] as T;
  if (!unique) return pick;
  let number = 0;
  return () => numbered(pick(), ++number) as T;
}

function numbered(value: unknown, number: number): string {
  if (typeof value !== "string") throw new TypeError(`only texts can be made unique, and ${String(value)} is none`);
  const at = value.lastIndexOf("@");
  return at < 0 ? `${value}-${number}` : `${value.slice(0, at)}-${number}${value.slice(at)}`;
}
