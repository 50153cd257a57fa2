import { type Migration, type SqlFolder, sqlFolder } from "migration-sandbox";

/**
 * What DevLake runs once these folders are released, and these fixes: scripts sorted by version alone, whichever plugin
 * they belong to. It records a script when it has run, and opens no transaction around it: the releases here say
 * `transaction: "none"`.
 */
export function shipped(folders: readonly string[], ...fixes: readonly Migration[]): SqlFolder {
  return {
    read: async () => {
      const scripts = await sqlFolder(...folders.map((f) => new URL(`./releases/${f}/`, import.meta.url))).read();
      const byVersion = (a: Migration, b: Migration) => (a.name < b.name ? -1 : 1); // All versions have 14 digits.
      return [...scripts, ...fixes].sort(byVersion);
    },
  };
}

/** The folders that a release of this name ships. */
export const until = {
  "0.17.0": ["0.17.0"],
  "0.18.0": ["0.17.0", "0.18.0"],
  "0.20.0": ["0.17.0", "0.18.0", "0.20.0"],
  "0.20.0 with opsgenie": ["0.17.0", "0.18.0", "0.20.0", "0.20.0-opsgenie"],
} as const;

/** The fix of #7617. */
export const pagerdutyFix = addsConnectionId(
  "20240614104000_pagerduty_scope_configs_connection_id",
  "_tool_pagerduty_scope_configs",
);

/** The fix of #7621, of the same day: the sibling had lived the same life. */
export const opsgenieFix = addsConnectionId(
  "20240614110000_opsgenie_scope_configs_connection_id",
  "_tool_opsgenie_scope_configs",
);

/** Like the product's own auto-migration it adds what is missing, and lets a column that is there be as it is. */
function addsConnectionId(name: string, table: string): Migration {
  return {
    name,
    up: async (db) => {
      const isThere = await db.schema.hasColumn(table, "connection_id");
      await db.schema.alterTable(table, (to) => {
        if (!isThere) to.bigInteger("connection_id").unsigned();
        to.index("connection_id", `idx_${table}_connection_id`);
      });
    },
  };
}
