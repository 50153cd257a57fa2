import { command } from "migration-sandbox";
import volumesOfTwoOwners from "../../scenarios/dstack/volumes-of-two-owners.ts";
import { retoldBy } from "./retold.ts";

const upgrade = command("alembic", ["-c", "{release}.ini", "upgrade", "head"], {
  cwd: new URL("./dstack-alembic/", import.meta.url),
  env: { DATABASE_URL: "{sqlalchemy}", PYTHONDONTWRITEBYTECODE: "1" },
  map: { "0.18.22": "0.18.22", "0.18.23": "0.18.23", "0.18.23 as merged": "0.18.23-as-merged" },
});

await retoldBy("alembic", {
  scenario: volumesOfTwoOwners,
  migrations: { "0.18.22": upgrade, "0.18.23": upgrade, "0.18.23 as merged": upgrade },
  paths: { postgres: [2, 4, 5, 7, 8, 12, 15], mariadb: [4, 7, 12] },
  // Alembic prints revisions; a file's name is nothing to it.
  names: { "82b32a135ea2": "0003_82b32a135ea2_volume_owner" },
});
