import { onEngine } from "../stage.ts";
import { mysqlGarden } from "./mysql-garden.ts";
import { plantedContract } from "./planted.contract.ts";

await onEngine("mysql", (engine) => {
  const { plants, ...garden } = mysqlGarden;
  plantedContract(engine, {
    ...garden,
    plants: [
      ...plants,
      ["an index that is invisible", "alter table users alter index users_born invisible", "index-differs users"],
      ["an index's expression", "create index lowered on users ((lower(name)))", "index-differs users"],
      [
        "a check constraint that is not enforced",
        "alter table users alter check adult not enforced",
        "check-differs users",
      ],
    ],
  });
});
