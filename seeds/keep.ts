import { oneToMany, orphans, type Row, type Soil, seeder } from "migration-sandbox";

const noon = "2025-03-01 12:00:00";

/** The one tenant of an installation that serves one organisation. */
export const tenantKeep = seeder("the tenant that an earlier login type had made", async ({ plant }) => {
  await plant("tenant", [{ id: "keep", name: "Single Tenant" }]);
});

/** A user's own provider beside those of the configuration, in a release that does not tell them apart yet. */
export const providerOfAnn = seeder("a provider that a user has installed", async ({ plant }) => {
  await plant("provider", [annsGrafana]);
});

/** The same with its secret and a log, where a release keeps them. */
export const providerOfAnnInUse = seeder("a provider that a user has installed, in use", async ({ plant }) => {
  await plant("provider", [{ ...annsGrafana, provisioned: false }]);
  await plant("secret", [{ name: annsGrafana.configuration_key, value: '{"token":"glsa_ann"}' }]);
  await plant("providerexecutionlog", [logOf("grafana-of-ann", 0)]);
});

/** Written when a provider is asked for its alerts; the user's own has one already. */
export const logsOfProvisioned = seeder("two logs of the provisioned provider", async (soil) => {
  await soil.plant(
    "providerexecutionlog",
    oneToMany(await provisioned(soil), [2], (id, i) => logOf(id, i + 1)),
  );
});

/** Left behind by a restore with foreign keys at rest, or by a move from SQLite, where Keep never switches them on. */
export const logOfNobody = seeder("a log whose provider is gone", ({ fallow }) =>
  fallow(({ plant }) => plant("providerexecutionlog", orphans([logOf("vms", 9)], { provider_id: "pagerduty" }))),
);

/** As test runs were kept before they had a workflow of their own. */
export const testRun = seeder("a test run without a workflow", async ({ plant }) => {
  await plant("workflowexecution", [{ id: "run-1", workflow_id: null, status: "success" }]);
});

const annsGrafana = {
  id: "grafana-of-ann",
  tenant_id: "keep",
  name: "grafana",
  type: "grafana",
  installed_by: "ann@example.com",
  installation_time: noon,
  configuration_key: "keep_grafana_of_ann",
};

function logOf(provider: string, i: number): Row {
  return { id: `log-${i}`, provider_id: provider, logged_at: noon, log_message: "12 alerts pulled" };
}

async function provisioned({ db }: Soil): Promise<readonly string[]> {
  const rows: readonly { id: string }[] = await db("provider").where({ provisioned: true }).select("id").orderBy("id");
  return rows.map(({ id }) => id);
}
