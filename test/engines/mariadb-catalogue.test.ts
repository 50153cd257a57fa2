import { expect } from "vitest";
import { onEngine, sharedServer } from "../stage.ts";
import { mysqlCatalogueContract } from "./mysql-catalogue.contract.ts";

await onEngine("mariadb", (engine) => {
  mysqlCatalogueContract(engine, () => sharedServer("mariadb"), {
    sql: `create sequence tickets start 100 increment 5 minvalue 10 maxvalue 1000 cache 3 cycle;
    create table versioned (id int primary key default (nextval(tickets)), n int check (n > 0), j json)
      with system versioning;`,
    look: ({ tables, sequences }) => {
      expect(sequences).toEqual([
        { name: "tickets", definition: "start 100 increment 5 min 10 max 1000 cache 3 cycle" },
      ]);
      expect(tables.find(({ name }) => name === "versioned")).toMatchObject({
        columns: [{ name: "id", default: "nextval(`tickets`)" }, { name: "n" }, { name: "j" }],
        primaryKey: ["id"],
        checks: [
          { name: "j", definition: "json_valid(`j`) of column" },
          { name: "n", definition: "`n` > 0 of column" },
        ],
        options: expect.stringMatching(/WITH SYSTEM VERSIONING$/),
      });
    },
  });
});
