import { release, sqlFolder } from "migration-sandbox";

/** All that is pending runs in one transaction. */
const transaction = "all";

export const v01822 = release("0.18.22", { migrations: shipped("0.18.22"), transaction });

export const asMerged = release("0.18.23 as merged", {
  insteadOf: "0.18.23",
  migrations: shipped("0.18.22", "0.18.23-as-merged"),
  transaction,
});

/** The same on an engine that takes the first row of many, as SQLite does. */
export const firstRowTaken = release("0.18.23 as merged, first row taken", {
  insteadOf: "0.18.23",
  migrations: shipped("0.18.22", "0.18.23-as-merged-first-row-taken"),
  transaction,
});

export const v01823 = release("0.18.23", { migrations: shipped("0.18.22", "0.18.23"), transaction });

/** As it could have been mended too: the project of the volume is looked up, and no volume again. */
export const byProject = release("0.18.23 by project", {
  insteadOf: "0.18.23",
  migrations: shipped("0.18.22", "0.18.23-by-project"),
  transaction,
});

function shipped(...folders: string[]) {
  return sqlFolder(...folders.map((folder) => new URL(`./releases/${folder}/`, import.meta.url)));
}
