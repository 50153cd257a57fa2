import type { EngineName } from "../database.ts";
import type { Engine } from "./engine.ts";
import { mariadb } from "./mariadb.ts";
import { mysql } from "./mysql.ts";
import { postgres } from "./postgres.ts";

const engines: { readonly [E in EngineName]: Engine } = { postgres, mysql, mariadb };

/** The engines that we can speak to. */
export function engineNamed(name: EngineName): Engine {
  return engines[name];
}
