import { oneToMany, type Soil, seeder } from "migration-sandbox";

const day = "2023-05-02 08:00:00";
const stamps = { created_at: day, updated_at: day };
const names = ["Payments on-call", "Search on-call"];

/** Two connections with a service each: with one alone, what belongs to whom could be right by luck. */
export const twoConnections = seeder("two connections", async (soil) => {
  await connections(soil);
});

/** As 0.17.0 knew them: a rule belongs to a connection, and the connection's service uses the first of its rules. */
export const oneRule = seeder("two connections, one with a transformation rule", async (soil) => {
  await rules(soil, [1, 0]);
  await useRules(soil);
});

export const threeRules = seeder("two connections, with one and with two transformation rules", async (soil) => {
  await rules(soil, [1, 2]);
  await useRules(soil);
});

export const rulesOfNoService = seeder("transformation rules that no service uses", (soil) => rules(soil, [1, 2]));

/** As 0.20.0 stores them: nothing says whose they are. The product has no form for them; somebody wrote them by SQL. */
export const oneScopeConfig = seeder("two connections and one scope config", async (soil) => {
  await connections(soil);
  await scopeConfigs(soil, ["all incidents"]);
});

export const twoScopeConfigs = seeder("two connections and two scope configs", async (soil) => {
  await connections(soil);
  await scopeConfigs(soil, ["all incidents", "urgent incidents"]);
});

/** For a database that has its connections. */
export const aNewScopeConfig = seeder("a scope config made anew", (soil) => scopeConfigs(soil, ["all incidents"]));

interface Connection {
  readonly id: number;
  readonly name: string;
}

/** Ids are the server's everywhere: users go on creating connections behind these. */
async function connections({ db, plant }: Soil): Promise<readonly Connection[]> {
  await plant(
    "_tool_pagerduty_connections",
    names.map((name) => ({ name, token: "u+nQ", ...stamps })),
  );
  const all: readonly Connection[] = await db("_tool_pagerduty_connections").select("id", "name").orderBy("id");
  const service = ({ id }: Connection, i: number) => ({
    connection_id: id,
    id: `PSRV00${i}`,
    name: `service ${i}`,
    url: `https://acme.pagerduty.com/PSRV00${i}`,
  });
  await plant("_tool_pagerduty_services", oneToMany(all, [1], service));
  return all;
}

async function rules(soil: Soil, fanOut: readonly number[]): Promise<void> {
  const rule = ({ id, name }: Connection, _: number, nth: number) => ({
    name: `${name}, rule ${nth + 1}`,
    connection_id: id,
    ...stamps,
  });
  await soil.plant("_tool_pagerduty_transformation_rules", oneToMany(await connections(soil), fanOut, rule));
}

async function useRules({ db }: Soil): Promise<void> {
  await db("_tool_pagerduty_services").update({
    transformation_rule_id: db("_tool_pagerduty_transformation_rules as r")
      .min("r.id")
      .where("r.connection_id", db.ref("_tool_pagerduty_services.connection_id")),
  });
}

async function scopeConfigs({ plant }: Soil, all: readonly string[]): Promise<void> {
  await plant(
    "_tool_pagerduty_scope_configs",
    all.map((name) => ({ name, entities: JSON.stringify(["TICKET"]), ...stamps })),
  );
}
