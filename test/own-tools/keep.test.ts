import { broken, command } from "migration-sandbox";
import commitInItsMiddle from "../../scenarios/keep/a-migration-commits-in-its-middle.ts";
import providersMissing from "../../scenarios/keep/providers-missing-after-the-first-start.ts";
import { retoldBy } from "./retold.ts";

const upgrade = command("alembic", ["-c", "{release}.ini", "upgrade", "head"], {
  cwd: new URL("./keep-alembic/", import.meta.url),
  env: { DATABASE_URL: "{sqlalchemy}", PYTHONDONTWRITEBYTECODE: "1" },
  map: {
    "0.40.2": "0.40.2",
    "0.41.2": "0.41.2",
    "0.41.2 mended": "0.41.2",
    "0.41.7": "0.41.7",
    "0.41.7 without the COMMIT": "0.41.7-without-the-commit",
  },
});

await retoldBy("alembic", {
  scenario: providersMissing,
  migrations: { "0.40.2": upgrade, "0.41.2": upgrade, "0.41.2 mended": upgrade },
  paths: { postgres: [1, 7, 8, 9], mariadb: [1, 7, 9] },
});

const logsMigration = { code: "migration-failed", release: "0.41.7", migration: "0dafe96ea97f" };

await retoldBy("alembic", {
  scenario: commitInItsMiddle,
  migrations: { "0.40.2": upgrade, "0.41.7": upgrade, "0.41.7 without the COMMIT": upgrade },
  paths: { postgres: [2, 3, 4, 5, 6, 7, 8] },
  // All of the re-enactment's but `half-applied`: the harness asks the server what became of the transaction that it
  // began itself, and does not know which one a tool began.
  instead: {
    3: broken([
      { ...logsMigration, postgres: "23503" },
      { code: "test-run-rewritten" },
      { code: "technical-tenant-left" },
      { code: "foreign-key-gone" },
    ]),
  },
  names: { "0dafe96ea97f": "0006_0dafe96ea97f_logs_go_with_their_provider" },
});
