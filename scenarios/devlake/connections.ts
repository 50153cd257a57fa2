import type { Check, Database, Finding, Tasks } from "migration-sandbox";

/** A plugin with connections and scope configs of its own. */
type Plugin = "pagerduty" | "opsgenie";

/** The connection that users create and delete, to see whether they can. */
const triedOut = "tried out";

/** Up to 1.0.0-beta5 the plugin told of no scope configs, and only the connection itself was deleted. */
export const usedUntilBeta5: Tasks = {
  ...creating("pagerduty"),
  [deleting("pagerduty")]: async ({ db }) => {
    await db("_tool_pagerduty_connections").where({ name: triedOut }).delete();
  },
};

/** Since #7353: the connection and, by `connection_id`, its scope configs. */
export const usedSinceBeta6 = usedWith(deleteConnection);

/** A user creates a connection and deletes it in this way. */
export function usedWith(remove: typeof deleteConnection, plugin: Plugin = "pagerduty"): Tasks {
  return { ...creating(plugin), [deleting(plugin)]: ({ db }) => remove(db, { plugin, name: triedOut }) };
}

export function deleting(plugin: Plugin): string {
  return `delete that ${plugin} connection`;
}

export interface Connection {
  readonly plugin: Plugin;
  readonly name: string;
}

/**
 * Deletes a connection in a transaction, and its scope configs beside it: the product sends that statement over its
 * ordinary handle. When it fails, the transaction is rolled back.
 */
export async function deleteConnection(db: Database, { plugin, name }: Connection): Promise<void> {
  const id = await idOf(db, { plugin, name });
  await db.transaction(async (tx) => {
    await tx(`_tool_${plugin}_connections`).where({ id }).delete();
    await db(`_tool_${plugin}_scope_configs`).where({ connection_id: id }).delete();
  });
}

export async function idOf(db: Database, { plugin, name }: Connection): Promise<number> {
  const [found] = await db(`_tool_${plugin}_connections`).where({ name }).select("id");
  return found.id;
}

/** Every connection that was there before the upgrade, and that nobody deleted, is there as it was. */
export const othersAreLeftAlone: Check = async (ledger) => {
  const findings: Finding[] = [];
  const table = "_tool_pagerduty_connections";
  for await (const { kind, key } of ledger.changes(table)) {
    if (kind === "kept" || kind === "added") continue;
    findings.push({ code: "other-connection-touched", table, message: `connection ${key.id} is ${kind}` });
  }
  return findings;
};

function creating(plugin: Plugin): Tasks {
  const now = "2024-06-13 09:00:00";
  return {
    [`create a ${plugin} connection`]: async ({ db }) => {
      await db(`_tool_${plugin}_connections`)
        .insert({ name: triedOut, created_at: now, updated_at: now, token: "u+yL" })
        .onConflict("name") // One that could not be deleted earlier is still there, and is used again.
        .ignore();
    },
  };
}
