import { expect } from "vitest";
import { onEngine, sharedServer } from "../stage.ts";
import { mysqlCatalogueContract } from "./mysql-catalogue.contract.ts";

await onEngine("mysql", (engine) => {
  mysqlCatalogueContract(engine, () => sharedServer("mysql"), {
    sql: `create table expressions (name varchar(20), key lowered ((lower(name))), key unseen (name) invisible,
    constraint lax check (name <> 'x') not enforced);`,
    look: ({ tables }) => {
      expect(tables.find(({ name }) => name === "expressions")).toMatchObject({
        indexes: [
          { name: "lowered", definition: "((lower(`name`)))" },
          { name: "unseen", definition: "(`name`) /*!80000 INVISIBLE */" },
        ],
        checks: [{ name: "lax", definition: expect.stringMatching(/ not enforced$/) }],
      });
    },
  });
});
