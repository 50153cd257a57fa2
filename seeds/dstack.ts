import { oneToMany, seeder, softDeleted } from "migration-sandbox";

const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
const [ann, bob] = [id(1), id(2)];
const [annsProject, bobsProject, annsOtherProject] = [id(11), id(12), id(13)];
const noon = "2024-11-01 12:00:00";

const users = [
  { id: ann, name: "ann", created_at: noon },
  { id: bob, name: "bob", created_at: noon },
];

/** Two users, each with a project of their own: without them an owner could be right by luck. */
export const twoOwners = seeder("two projects of two owners", async ({ plant }) => {
  await plant("users", users);
  await plant("projects", [
    { id: annsProject, name: "vision", deleted: false, owner_id: ann },
    { id: bobsProject, name: "speech", deleted: false, owner_id: bob },
  ]);
});

/** What the scenario must not be content with. */
export const oneOwner = seeder("two projects of one owner", async ({ plant }) => {
  await plant("users", users);
  await plant("projects", [
    { id: annsProject, name: "vision", deleted: false, owner_id: ann },
    { id: bobsProject, name: "speech", deleted: false, owner_id: ann },
  ]);
});

export const oneVolume = seeder("one volume", ({ plant }) => plant("volumes", volumes([0, 1])));

export const twoVolumesOfOneProject = seeder("two volumes of one project", ({ plant }) =>
  plant("volumes", volumes([0, 2])),
);

export const twoVolumesOfTwoProjects = seeder("two volumes of two projects", ({ plant }) =>
  plant("volumes", volumes([1, 1])),
);

/** What could be right by luck: whichever volume is asked, its project is ann's. */
export const twoVolumesOfOneOwner = seeder("two volumes of one owner", async ({ plant }) => {
  await plant("projects", [{ id: annsOtherProject, name: "robotics", deleted: false, owner_id: ann }]);
  await plant("volumes", volumes([1, 1], [annsProject, annsOtherProject]));
});

export const twoVolumesOneSoftDeleted = seeder("two volumes, one of them soft-deleted", ({ plant }) =>
  plant("volumes", softDeleted(volumes([1, 1]), { deleted: true, deleted_at: noon }, { every: 2 })),
);

export const manyVolumes = seeder("many volumes, some of them soft-deleted", ({ plant }) =>
  plant("volumes", softDeleted(volumes([2, 3]), { deleted: true, deleted_at: noon }, { every: 2 })),
);

/** @param fanOut how many the first of the projects has, and how many the second */
function volumes(fanOut: readonly [number, number], projects = [annsProject, bobsProject]) {
  return oneToMany(projects, fanOut, (project_id, i) => ({
    id: id(100 + i),
    name: `data-${i}`,
    project_id,
    created_at: noon,
    last_processed_at: noon,
    deleted: false,
    deleted_at: null,
    status: "ACTIVE",
    configuration: JSON.stringify({ type: "volume", backend: "aws", region: "eu-west-1", size: "100GB" }),
  }));
}
