// A process of its own, timed from its start to its end: the compiled harness applies a folder to a new database.

import { engineNamed } from "../../dist/engines/named.js";
import { migrationsIn } from "../../dist/migrations-in.js";
import { plannedRelease } from "../../dist/planned-release.js";
import { openStage } from "../../dist/sandbox.js";
import { haveServer, sourceOf } from "../../dist/servers/had.js";
import { start } from "../../dist/start.js";

const [url, engine, folder] = process.argv.slice(2);
// As the command does: the chain is read while the server is reached.
const opening = haveServer({ engine }, { source: sourceOf("--server", url) }).then(openStage);
engineNamed(engine).load({ knex: false });
const release = await plannedRelease({ name: "newest", migrations: migrationsIn(folder) }, engine, "the bench");
const stage = await opening;
const sandbox = await stage.create();
const alone = { stage, from: null, last: undefined, file: undefined, settings: undefined, runners: 1, timeout: 60_000 };
const { cameUp, findings } = await start(sandbox, release, alone);
if (!cameUp) throw new Error(JSON.stringify(findings));
await stage.leave();
