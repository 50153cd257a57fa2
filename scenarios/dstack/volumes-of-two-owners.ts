// dstack 0.18.23 gives every volume an owner: the owner of its project. As first merged, the sub-query that looks the
// owner up was not tied to the row being updated, so it came back with one owner per volume in the whole database. With
// none or one, all is well; from the second volume on, wherever it is and deleted or not, the server no longer starts.
// dstack runs on PostgreSQL. MariaDB refuses as it does; MySQL takes neither form of the statement, whatever the rows.
import { broken, clean, defineScenario, invariant, release, sqlFolder } from "migration-sandbox";
import {
  oneVolume,
  twoOwners,
  twoVolumesOfOneProject,
  twoVolumesOfTwoProjects,
  twoVolumesOneSoftDeleted,
} from "../../seeds/dstack.ts";

const shipped = (...folders: string[]) =>
  sqlFolder(...folders.map((f) => new URL(`./releases/${f}/`, import.meta.url)));
const migration = "0003_82b32a135ea2_volume_owner";
const moreThanOneOwner = broken("migration-failed", {
  release: "0.18.23 as merged",
  migration,
  postgres: "21000",
  mariadb: 1242,
  mysql: 1093,
});
const cleanButOnMysql = {
  postgres: clean,
  mariadb: clean,
  mysql: broken("migration-failed", { migration, mysql: 1093 }),
};

export default defineScenario({
  title: "volumes cannot be given an owner once there are two of them",
  source: "https://github.com/dstackai/dstack/issues/1961",
  engines: ["postgres", "mariadb", "mysql"],
  chain: [
    release("0.18.22", { migrations: shipped("0.18.22"), transaction: "all" }),
    release("0.18.23 as merged", {
      insteadOf: "0.18.23",
      migrations: shipped("0.18.22", "0.18.23-as-merged"),
      transaction: "all",
    }),
    release("0.18.23", { migrations: shipped("0.18.22", "0.18.23"), transaction: "all" }),
  ],
  seeds: { "0.18.22": twoOwners },
  check: [
    invariant(
      "volume-of-the-wrong-owner",
      `select v.id, v.user_id, p.owner_id from volumes v join projects p on p.id = v.project_id
       where v.user_id <> p.owner_id or v.user_id is null`,
    ),
  ],
  paths: [
    { from: "0.18.22", to: "0.18.23 as merged", expect: cleanButOnMysql },
    { from: "0.18.22", with: oneVolume, to: "0.18.23 as merged", expect: cleanButOnMysql },
    { from: "0.18.22", with: twoVolumesOfOneProject, to: "0.18.23 as merged", expect: moreThanOneOwner },
    { from: "0.18.22", with: twoVolumesOfTwoProjects, to: "0.18.23 as merged", expect: moreThanOneOwner },
    { from: "0.18.22", with: twoVolumesOneSoftDeleted, to: "0.18.23 as merged", expect: moreThanOneOwner },
    { to: "0.18.23 as merged", expect: cleanButOnMysql },
    { from: "0.18.22", to: "0.18.23", expect: cleanButOnMysql },
    { from: "0.18.22", with: oneVolume, to: "0.18.23", expect: cleanButOnMysql },
    { from: "0.18.22", with: twoVolumesOfOneProject, to: "0.18.23", expect: cleanButOnMysql },
    { from: "0.18.22", with: twoVolumesOfTwoProjects, to: "0.18.23", expect: cleanButOnMysql },
    { from: "0.18.22", with: twoVolumesOneSoftDeleted, to: "0.18.23", expect: cleanButOnMysql },
    { to: "0.18.23", expect: cleanButOnMysql },
  ],
});
