import { onEngine, sharedServer } from "../stage.ts";
import { engineContract } from "./engine.contract.ts";
import { mysqlContract } from "./mysql.contract.ts";

await onEngine("mariadb", (engine) => {
  engineContract(engine, () => sharedServer("mariadb"));
  mysqlContract(engine, () => sharedServer("mariadb"));
});
