import type { Driving } from "../driver.ts";
import { securityOf } from "./driven.ts";
import { theirs, type Wanting } from "./theirs.ts";

/** One connection to the sandbox or several, by a client library of the product's own. */
export interface Client {
  /** The driver listens: a session may be ended from outside, which is told to whoever asks next and kills nobody. */
  on(event: string, listener: (client: Client) => void): unknown;
  connect?(): Promise<unknown>;
  end(): unknown;
}

export async function pgPool({ address }: Driving, wanting: Wanting): Promise<Client> {
  const { Pool } = await theirs<{ Pool: Making }>("pg", wanting);
  const pool = patient(new Pool({ ...whereIs(address), max: 2 }));
  pool.on("connect", patient);
  return pool;
}

export async function pgClient({ address }: Driving, wanting: Wanting): Promise<Client> {
  const { Client } = await theirs<{ Client: Making }>("pg", wanting);
  return patient(new Client(whereIs(address)));
}

/** With promises or with callbacks, as the tool wants it: `mysql2/promise`, `mysql2`. */
export async function mysqlPool(
  { address }: Driving,
  wanting: Wanting,
  library: "mysql2" | "mysql2/promise",
): Promise<Client> {
  const { createPool } = await theirs<{ createPool: (options: object) => Client }>(library, wanting);
  return createPool({ ...whereIs(address), connectionLimit: 2 });
}

export async function mysqlClient({ address }: Driving, wanting: Wanting, settings: object): Promise<Client> {
  const { createConnection } = await theirs<{ createConnection: (options: object) => Client }>("mysql2", wanting);
  return patient(createConnection({ ...settings, ...whereIs(address) }));
}

type Making = new (options: object) => Client;

function whereIs({ tls, ...where }: Driving["address"]): object {
  return { ...where, ...securityOf({ tls }) };
}

function patient<C extends Client>(client: C): C {
  client.on("error", () => {});
  return client;
}
