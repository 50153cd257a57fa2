import { command } from "migration-sandbox";
import anotherKind from "../../scenarios/dawarich/connection-of-another-kind.ts";
import pointsWithoutAUser from "../../scenarios/dawarich/points-without-a-user.ts";
import twoContainers from "../../scenarios/dawarich/two-containers.ts";
import { retoldBy } from "./retold.ts";

const migrate = command("rails", ["db:migrate", "data:migrate"], {
  cwd: new URL("./dawarich-rails/", import.meta.url),
  env: { DATABASE_URL: "{rails}", RELEASE: "{release}" },
});
const migrations = Object.fromEntries(pointsWithoutAUser.chain.map(({ name }) => [name, migrate]));
// Rails prints a migration's class, not its file.
const names = { "20240815174852 AddOwntracksPointsData": "20240815174852_add_owntracks_points_data" };

await retoldBy("rails", {
  scenario: pointsWithoutAUser,
  migrations,
  paths: { postgres: [1, 4, 14, 17] },
  names,
});

await retoldBy("rails", {
  scenario: anotherKind,
  migrations,
  paths: { postgres: [2, 3, 8] },
  names,
});

await retoldBy("rails", {
  scenario: twoContainers,
  migrations,
  paths: { postgres: [2, 5] },
  names,
  // Whoever comes first goes on once the other has met its lock, so that no luck is involved.
  also: { settings: { runners: 2 } },
});
