import { onEngine } from "../stage.ts";
import { mysqlGarden } from "./mysql-garden.ts";
import { plantedContract } from "./planted.contract.ts";

await onEngine("mariadb", (engine) => {
  const { schema, otherwise, plants, drawn, ...garden } = mysqlGarden;
  const own = `create sequence tickets start 100 increment 5 nocache;
    create table versioned (id int primary key, n int) with system versioning;\n`;
  plantedContract(engine, {
    ...garden,
    schema: `${schema}\n${own}`,
    otherwise: `${own}${otherwise}`,
    plants: [
      ...plants,
      ["a sequence's step", "alter sequence tickets increment 1", "sequence-differs"],
      ["a sequence that is gone", "drop sequence tickets", "sequence-differs"],
      ["rows that are remembered", "alter table versioned drop system versioning", "table-differs versioned"],
      ["an index that is ignored", "alter table users alter index users_born ignored", "index-differs users"],
      [
        "a package",
        "set sql_mode = 'oracle'; create package greeting as function hello return int; end; set sql_mode = default",
        "function-differs",
      ],
    ],
    drawn: [...drawn, ["a number that was drawn", "select nextval(tickets)", "position-differs"]],
  });
});
