// OnCall 1.3.11 turns custom buttons into webhooks (webhooks.0008), and 1.3.116 drops the column that says which step
// of an escalation triggers which button (alerts.0051). 0051 does not say that it comes after 0008, so whoever upgrades
// over both at once has them in the order of their apps' names: the column goes first. With one live button 0008 then
// fails, and by that time all links are gone for good. With none it asks for no column, and so fresh installs and empty
// databases pass.
import { broken, clean, defineScenario, startAgain, type Task } from "migration-sandbox";
import { oneUnusedButton, softDeletedButtons, twoOrganisations, usedButtons } from "../../seeds/oncall.ts";
import { allIsMoved, nothingIsForgotten } from "./checks.ts";
import { moved, v14x, v185, v185Mended, v1240, v1310, v1311, v13115, v13116 } from "./releases.ts";

const columnGone = (release: string) =>
  ({
    code: "migration-failed",
    release,
    migration: moved.name,
    postgres: "42703",
    mysql: 1054,
    mariadb: 1054,
  }) as const;
const brokenAt = (release: string) => broken([columnGone(release)]);
const [steps, buttons] = ["alerts_escalationpolicy", "alerts_custombutton"];
const linksLost = { code: "link-lost", table: steps, column: "custom_button_trigger_id" };

/** Without buttons 0008 has nothing to do; 0016 takes their steps for orphans. */
const deleteTheButtons: Task = async ({ db }) => {
  await db("alerts_custombutton").delete();
};

/** Then 0008 makes its webhooks, finds no step for any of them, and 0016 comes as before. */
const putTheColumnBack: Task = async ({ db }) => {
  await db.schema.alterTable("alerts_escalationpolicy", (table) => table.integer("custom_button_trigger_id"));
};

export default defineScenario({
  title: "a jump over releases drops the column that a later migration still reads",
  source: "https://github.com/grafana/oncall/issues/4701",
  engines: ["mysql", "mariadb", "postgres"],
  chain: [v1240, v1310, v1311, v13115, v13116, v14x, v185, v185Mended],
  seeds: { "1.2.40": twoOrganisations },
  check: allIsMoved,
  paths: [
    { to: "1.8.5", expect: clean },
    { from: "1.2.40", to: "1.8.5", expect: clean },
    { from: "1.2.40", with: softDeletedButtons, to: "1.8.5", expect: clean },
    { from: "1.2.40", with: oneUnusedButton, to: "1.8.5", expect: brokenAt("1.8.5") },
    {
      from: "1.2.40",
      with: usedButtons,
      to: "1.8.5",
      check: nothingIsForgotten,
      expect: broken([columnGone("1.8.5"), linksLost]),
    },
    {
      from: "1.2.40",
      with: usedButtons,
      to: "1.8.5",
      workaround: startAgain,
      check: nothingIsForgotten,
      expect: broken([columnGone("1.8.5"), linksLost]),
    },
    {
      from: "1.2.40",
      with: usedButtons,
      to: "1.8.5",
      workaround: deleteTheButtons,
      expect: broken([
        { code: "rows-lost", release: "1.8.5", table: steps },
        { code: "rows-lost", release: "1.8.5", table: buttons },
        { code: "button-without-webhook", table: buttons },
        linksLost,
      ]),
    },
    {
      from: "1.2.40",
      with: usedButtons,
      to: "1.8.5",
      workaround: putTheColumnBack,
      expect: broken([{ code: "rows-lost", release: "1.8.5", table: steps }, linksLost]),
    },
    { from: "1.2.40", with: usedButtons, via: ["1.3.10"], to: "1.8.5", expect: brokenAt("1.8.5") },
    { from: "1.2.40", with: usedButtons, via: ["1.3.11"], to: "1.8.5", expect: clean },
    { from: "1.2.40", with: oneUnusedButton, via: ["1.3.11"], to: "1.8.5", expect: clean },
    { from: "1.2.40", with: softDeletedButtons, via: ["1.3.11"], to: "1.8.5", expect: clean },
    { from: "1.2.40", with: usedButtons, via: ["1.3.115"], to: "1.8.5", expect: clean },
    { from: "1.2.40", with: usedButtons, via: ["1.3.116"], to: "1.8.5", expect: brokenAt("1.3.116") },
    { from: "1.2.40", with: usedButtons, via: ["1.4.x"], to: "1.8.5", expect: brokenAt("1.4.x") },
    { to: "1.8.5 mended", expect: clean },
    { from: "1.2.40", with: softDeletedButtons, to: "1.8.5 mended", expect: clean },
    { from: "1.2.40", with: oneUnusedButton, to: "1.8.5 mended", expect: clean },
    { from: "1.2.40", with: usedButtons, to: "1.8.5 mended", expect: clean },
  ],
});
