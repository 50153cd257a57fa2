// dstack 0.18.23 gives every volume an owner: the owner of its project. As first merged, the sub-query that looks the
// owner up was not tied to the row being updated, so it came back with one owner per volume in the whole database. With
// none or one, all is well; from the second volume on, wherever it is and deleted or not, the server no longer starts.
// Of the engines here dstack runs on PostgreSQL alone. MariaDB refuses as it does; MySQL takes neither form of the statement, whatever the rows.
import { broken, clean, defineScenario, startAgain } from "migration-sandbox";
import {
  manyVolumes,
  oneVolume,
  twoOwners,
  twoVolumesOfOneProject,
  twoVolumesOfTwoProjects,
  twoVolumesOneSoftDeleted,
} from "../../seeds/dstack.ts";
import { columnLeftBehind, everyVolumeHasItsOwner } from "./checks.ts";
import { asMerged, v01822, v01823 } from "./releases.ts";

const migration = "0003_82b32a135ea2_volume_owner";
const failed = { code: "migration-failed", release: "0.18.23 as merged", migration };
const moreThanOneOwner = { ...failed, postgres: "21000", mariadb: 1242, mysql: 1093 };
const leftBehind = { code: "column-left-behind", table: "volumes", column: "user_id" };
const columnIsThere = broken([{ ...failed, mariadb: 1060, mysql: 1060 }, leftBehind]);
const refused = {
  postgres: broken([moreThanOneOwner]),
  mariadb: broken([moreThanOneOwner, leftBehind]),
  mysql: broken([moreThanOneOwner, leftBehind]),
};

const toMerged = { from: "0.18.22", to: "0.18.23 as merged" } as const;
const toRefusal = { ...toMerged, check: columnLeftBehind, expect: refused } as const;
const toMended = { from: "0.18.22", to: "0.18.23" } as const;
const cleanButOnMysql = (release: string) => ({
  postgres: clean,
  mariadb: clean,
  mysql: broken("migration-failed", { release, migration, mysql: 1093 }),
});

export default defineScenario({
  title: "volumes cannot be given an owner once there are two of them",
  source: "https://github.com/dstackai/dstack/issues/1961",
  engines: ["postgres", "mariadb", "mysql"],
  chain: [v01822, asMerged, v01823],
  seeds: { "0.18.22": twoOwners },
  check: everyVolumeHasItsOwner,
  paths: [
    { ...toMerged, expect: cleanButOnMysql("0.18.23 as merged") },
    { ...toMerged, with: oneVolume, expect: cleanButOnMysql("0.18.23 as merged") },
    { ...toRefusal, with: twoVolumesOfOneProject },
    { ...toRefusal, with: twoVolumesOfTwoProjects },
    { ...toRefusal, with: twoVolumesOneSoftDeleted },
    { ...toRefusal, with: manyVolumes },
    {
      ...toRefusal,
      with: twoVolumesOfTwoProjects,
      workaround: startAgain,
      expect: { ...refused, mariadb: columnIsThere, mysql: columnIsThere },
    },
    { to: "0.18.23 as merged", expect: cleanButOnMysql("0.18.23 as merged") },
    { ...toMended, expect: cleanButOnMysql("0.18.23") },
    { ...toMended, with: oneVolume, expect: cleanButOnMysql("0.18.23") },
    { ...toMended, with: twoVolumesOfOneProject, expect: cleanButOnMysql("0.18.23") },
    { ...toMended, with: twoVolumesOfTwoProjects, expect: cleanButOnMysql("0.18.23") },
    { ...toMended, with: twoVolumesOneSoftDeleted, expect: cleanButOnMysql("0.18.23") },
    { ...toMended, with: manyVolumes, expect: cleanButOnMysql("0.18.23") },
    { to: "0.18.23", expect: cleanButOnMysql("0.18.23") },
  ],
});
