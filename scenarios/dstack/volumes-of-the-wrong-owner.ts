// The statement of dstack 0.18.23 as first merged, where a sub-query of many rows is no error. SQLite, on which dstack
// runs unless told otherwise, takes the first. The upgrade comes through, and all volumes belong to one of the owners;
// with one project that is right by luck, and nothing but the values tells. Here the statement itself takes the first.
import { broken, clean, defineScenario } from "migration-sandbox";
import {
  manyVolumes,
  oneVolume,
  twoOwners,
  twoVolumesOfOneOwner,
  twoVolumesOfOneProject,
  twoVolumesOfTwoProjects,
  twoVolumesOneSoftDeleted,
} from "../../seeds/dstack.ts";
import { everyVolumeHasItsOwner } from "./checks.ts";
import { byProject, firstRowTaken, v01822, v01823 } from "./releases.ts";

const mysql = broken("migration-failed", {
  release: "0.18.23 as merged, first row taken",
  migration: "0003_82b32a135ea2_volume_owner",
  mysql: 1093,
});
const right = { postgres: clean, mariadb: clean, mysql };
const wrong = {
  postgres: broken("volume-of-the-wrong-owner"),
  mariadb: broken("volume-of-the-wrong-owner"),
  mysql,
};
const toMerged = { from: "0.18.22", to: "0.18.23 as merged, first row taken" } as const;
const toMended = { from: "0.18.22", to: "0.18.23 by project", expect: clean } as const;

export default defineScenario({
  title: "volumes are given to the wrong owner where the first of many rows is taken",
  source: "https://github.com/dstackai/dstack/issues/1961",
  engines: ["postgres", "mariadb", "mysql"],
  chain: [v01822, firstRowTaken, v01823, byProject],
  seeds: { "0.18.22": twoOwners },
  check: everyVolumeHasItsOwner,
  paths: [
    { ...toMerged, with: oneVolume, expect: right },
    { ...toMerged, with: twoVolumesOfOneProject, expect: right },
    { ...toMerged, with: twoVolumesOfTwoProjects, expect: wrong },
    { ...toMerged, with: twoVolumesOneSoftDeleted, expect: wrong },
    { ...toMerged, with: manyVolumes, expect: wrong },
    { ...toMended, with: oneVolume },
    { ...toMended, with: twoVolumesOfOneProject },
    { ...toMended, with: twoVolumesOfTwoProjects },
    { ...toMended, with: twoVolumesOneSoftDeleted },
    { ...toMended, with: manyVolumes },
    { to: "0.18.23 by project", expect: clean },
    { ...toMerged, with: twoVolumesOfOneOwner, expect: right },
    { ...toMended, with: twoVolumesOfOneOwner },
  ],
});
