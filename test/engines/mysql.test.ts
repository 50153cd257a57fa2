import { onEngine, sharedServer } from "../stage.ts";
import { engineContract } from "./engine.contract.ts";
import { mysqlContract } from "./mysql.contract.ts";

await onEngine("mysql", (engine) => {
  engineContract(engine, () => sharedServer("mysql"));
  mysqlContract(engine, () => sharedServer("mysql"));
});
