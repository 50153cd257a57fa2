// One contract for servers, over every pair of engine and server that can exist.
import { describe, it } from "vitest";
import type { EngineName } from "../../harness/database.ts";
import { engineNamed } from "../../harness/engines/named.ts";
import { messageOf } from "../../harness/errors.ts";
import { haveServer, lookFor } from "../../harness/servers/had.ts";
import type { ServerKind } from "../../harness/servers/server.ts";
import { required } from "../stage.ts";
import { serverContract } from "./server.contract.ts";
import { here } from "./somebody.ts";

const pairs: readonly (readonly [EngineName, readonly ServerKind[]])[] = [
  ["postgres", ["embedded", "local", "container", "existing"]],
  ["mariadb", ["local", "container", "existing"]],
  ["mysql", ["local", "container", "existing"]],
];

for (const [name, kinds] of pairs) {
  for (const kind of kinds) {
    const why = await whyNot(name, kind);
    if (why === undefined) {
      describe(`a server of ${name}, ${kind}`, () => serverContract(name, kind));
    } else if (required.includes(`${name}:${kind}`)) {
      it(`a server of ${name}, ${kind}`, () => {
        throw new Error(`It is required, and cannot be had here: ${why}`);
      });
    } else {
      it.skip(`a server of ${name}, ${kind} (${why})`, () => {});
    }
  }
}

/** Why such a server cannot be had here; a container is known only once it was started. */
async function whyNot(name: EngineName, kind: ServerKind): Promise<string | undefined> {
  if (kind === "existing") return here.has(name) ? undefined : `no ${name} is here that somebody could run`;
  const had = (await lookFor(engineNamed(name))).find((look) => look.kind === kind);
  if (had?.why !== undefined || kind !== "container") return had?.why;
  try {
    await (await haveServer({ engine: name }, { source: kind })).stop();
    return undefined;
  } catch (error) {
    return messageOf(error).replaceAll(/\s+/g, " ");
  }
}
