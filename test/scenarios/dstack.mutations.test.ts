import type { EngineName, Migration, Scenario } from "migration-sandbox";
import { describe, expect, test } from "vitest";
import { otherVolumes, ownerNotGuarded } from "../../scenarios/dstack/checks.ts";
import { asMerged, byProject, firstRowTaken } from "../../scenarios/dstack/releases.ts";
import wrongOwner from "../../scenarios/dstack/volumes-of-the-wrong-owner.ts";
import twoOwners from "../../scenarios/dstack/volumes-of-two-owners.ts";
import {
  manyVolumes,
  oneOwner,
  oneVolume,
  twoVolumesOfOneOwner,
  twoVolumesOfOneProject,
  twoVolumesOfTwoProjects,
  twoVolumesOneSoftDeleted,
} from "../../seeds/dstack.ts";
import { onEngine } from "../stage.ts";
import { unmet, withRelease, withSeeder } from "./mutation.ts";

for (const engine of ["postgres", "mariadb"] as const) await onEngine(engine, () => volumesOn(engine));

function volumesOn(engine: EngineName): void {
  describe("volumes of two owners", () => {
    test("stop the mended release too, once its fix is undone", async () => {
      const undone = withRelease(twoOwners, "0.18.23", { migrations: asMerged.migrations });
      expect(await unmet(undone, { engine })).toEqual(["#11", "#12", "#13", "#14"]);
    });

    test("come through as merged where there is no second volume", async () => {
      const inOne = withSeeder(twoOwners, twoVolumesOfOneProject, oneVolume);
      expect(await unmet(inOne, { engine })).toEqual(["#3"]);
      const inTwo = withSeeder(twoOwners, twoVolumesOfTwoProjects, oneVolume);
      // Where the upgrade comes through, the column that their check takes for a remainder is there by right.
      expect(await unmet(inTwo, { engine })).toEqual(["#4", "#7"]);
      const softDeleted = withSeeder(twoOwners, twoVolumesOneSoftDeleted, oneVolume);
      expect(await unmet(softDeleted, { engine })).toEqual(["#5"]);
      const many = withSeeder(twoOwners, manyVolumes, oneVolume);
      expect(await unmet(many, { engine })).toEqual(["#6"]);
    });

    test("leave a column behind where DDL is not rolled back, which a check tells", async () => {
      const unchecked = { ...twoOwners, paths: twoOwners.paths.map((path) => ({ ...path, check: [] })) };
      const failing = ["#3", "#4", "#5", "#6", "#7"];
      expect(await unmet(unchecked, { engine })).toEqual(engine === "postgres" ? [] : failing);
      const committed = withRelease(twoOwners, "0.18.23 as merged", { transaction: "none" });
      expect(await unmet(committed, { engine })).toEqual(engine === "postgres" ? failing : []);
    });
  });

  describe("volumes of the wrong owner", () => {
    test("are what is left of the mended release, once its fix is undone", async () => {
      const undone = withRelease(wrongOwner, "0.18.23 by project", { migrations: firstRowTaken.migrations });
      expect(await unmet(undone, { engine })).toEqual(["#8", "#9", "#10"]);
    });

    test("are not there where there is no second volume", async () => {
      const inTwo = withSeeder(wrongOwner, twoVolumesOfTwoProjects, twoVolumesOfOneProject);
      expect(await unmet(inTwo, { engine })).toEqual(["#3"]);
      const softDeleted = withSeeder(wrongOwner, twoVolumesOneSoftDeleted, oneVolume);
      expect(await unmet(softDeleted, { engine })).toEqual(["#4"]);
    });

    test("are what two volumes of one owner hide", async () => {
      const ofTwo = withSeeder(wrongOwner, twoVolumesOfOneOwner, twoVolumesOfTwoProjects);
      expect(await unmet(ofTwo, { engine })).toEqual(["#12"]);
    });

    test("have the right owner by luck where both projects are of one", async () => {
      const lucky = { ...wrongOwner, seeds: { "0.18.22": oneOwner } };
      expect(await unmet(lucky, { engine })).toEqual(["#3", "#4", "#5"]);
    });

    test("go unseen by checks that do not look at the owner", async () => {
      const weak = { ...wrongOwner, check: [otherVolumes, ownerNotGuarded] };
      expect(await unmet(weak, { engine })).toEqual(["#3", "#4", "#5"]);
    });

    test("are not all that is looked for: the database must guard the owner, and no volume come or go", async () => {
      const drop = engine === "postgres" ? "drop constraint" : "drop foreign key";
      const unguarded = `alter table volumes ${drop} fk_volumes_user_id_users`;
      expect(await unmet(withOneMore(unguarded), { engine })).toEqual(["#6", "#7", "#8", "#9", "#10", "#11", "#13"]);
      const columns =
        "name, project_id, created_at, last_processed_at, deleted, deleted_at, status, configuration, user_id";
      const copied = `insert into volumes (id, ${columns})
        select '00000000-0000-4000-8000-000000000999', ${columns} from volumes where deleted order by id limit 1`;
      expect(await unmet(withOneMore(copied), { engine })).toEqual(["#9", "#10"]);
    });
  });
}

/** The mended release with one migration too many. */
function withOneMore(up: string): Scenario {
  const { migrations } = byProject;
  if (!("read" in migrations)) throw new Error("Its migrations are not read from folders");
  const read = async () => [
    ...((await migrations.read("postgres")) as readonly Migration[]),
    { name: "0004_one_more", up },
  ];
  return withRelease(wrongOwner, byProject.name, { migrations: { read } });
}
