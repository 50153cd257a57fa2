// What a start of Keep is to come to: one provider for each name that is configured, and nothing else of the
// product's.
import type { Check, Finding } from "migration-sandbox";

/**
 * The product's providers are those configured: each is there, is marked as provisioned and has its secret; no other
 * is left, nor the secret of one.
 */
export function providersAre(...names: readonly string[]): Check {
  return async ({ after }) => {
    const providers = await after.all("provider");
    const ofSystem = providers.filter(({ installed_by }) => installed_by === "system");
    const keys = providers.map(({ configuration_key }) => configuration_key);
    const secrets = (await after.all("secret")).map(({ name }) => name);
    const missing = names.filter((name) => !ofSystem.some((provider) => provider.name === name));
    const stays = ofSystem.filter(({ name }) => !names.includes(String(name)));
    const unmarked = ofSystem.filter(({ name, provisioned }) => names.includes(String(name)) && !provisioned);
    const withoutSecret = ofSystem.filter((row) => row.provisioned && !secrets.includes(row.configuration_key));
    return [
      ...missing.map((name) => told("provider-missing", `"${name}" is configured, and there is no such provider`)),
      ...stays.map(({ name }) => told("provider-stays", `"${name}" is no longer configured, and the provider stays`)),
      ...unmarked.map(({ name }) => told("provider-unmarked", `"${name}" is configured, and passes for a user's own`)),
      ...withoutSecret.map(({ name }) => told("secret-missing", `"${name}" has no secret to be asked with`, "secret")),
      ...secrets
        .filter((name) => !keys.includes(name))
        .map((name) => told("secret-stays", `"${name}" is the secret of no provider`, "secret")),
    ];
  };
}

/** Whatever becomes of the others: what users have installed, with its secret and logs, is as it was. */
export const usersOwnIsUntouched: Check = async (ledger) => {
  const findings: Finding[] = [];
  for (const table of ["provider", "secret", "providerexecutionlog"]) {
    const own = new Set(["grafana-of-ann", "keep_grafana_of_ann", "log-0"]);
    for await (const { key, kind } of ledger.changes(table))
      if (kind !== "kept" && Object.values(key).some((value) => own.has(value ?? "")))
        findings.push(told("users-own-touched", `a row of a user's own provider is ${kind}`, table));
  }
  return findings;
};

function told(code: string, message: string, table = "provider"): Finding {
  return { code, message, table };
}
