import { type Database, seeder } from "migration-sandbox";

const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
const [ann, bob] = [id(1), id(2)];
const [annsProject, bobsProject] = [id(11), id(12)];
const noon = "2024-11-01 12:00:00";

/** Two users, each with a project of their own: without them an owner could be right by luck. */
export const twoOwners = seeder("two projects of two owners", async ({ db }) => {
  await db("users").insert([
    { id: ann, name: "ann", created_at: noon },
    { id: bob, name: "bob", created_at: noon },
  ]);
  await db("projects").insert([
    { id: annsProject, name: "vision", deleted: false, owner_id: ann },
    { id: bobsProject, name: "speech", deleted: false, owner_id: bob },
  ]);
});

export const oneVolume = seeder("one volume", ({ db }) => volumes(db, [{ project: bobsProject }]));

export const twoVolumesOfOneProject = seeder("two volumes of one project", ({ db }) =>
  volumes(db, [{ project: bobsProject }, { project: bobsProject }]),
);

export const twoVolumesOfTwoProjects = seeder("two volumes of two projects", ({ db }) =>
  volumes(db, [{ project: annsProject }, { project: bobsProject }]),
);

export const twoVolumesOneSoftDeleted = seeder("two volumes, one of them soft-deleted", ({ db }) =>
  volumes(db, [{ project: annsProject, deleted: true }, { project: bobsProject }]),
);

async function volumes(db: Database, wanted: readonly { project: string; deleted?: boolean }[]): Promise<void> {
  await db("volumes").insert(
    wanted.map(({ project, deleted = false }, i) => ({
      id: id(100 + i),
      name: `data-${i}`,
      project_id: project,
      created_at: noon,
      last_processed_at: noon,
      deleted,
      deleted_at: deleted ? noon : null,
      status: "ACTIVE",
      configuration: JSON.stringify({ type: "volume", backend: "aws", region: "eu-west-1", size: "100GB" }),
    })),
  );
}
