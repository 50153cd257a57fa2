// Comparing two databases takes no more memory the more rows there are, the wider they are, or the more of them differ.
import { describe, expect, test } from "vitest";
import { peakOfComparing } from "../comparing-peak.ts";
import { onStage } from "../stage.ts";
import { engines } from "../walk.contract.ts";

const megabytes = 200;
const rows = 300_000;

describe.each(engines)("comparing two databases on %s", (engine) => {
  const stage = onStage(engine);
  const isPostgres = engine === "postgres";

  const numbers = (count: number) =>
    isPostgres
      ? `generate_series(1, ${count}) n`
      : `(with recursive r (n) as (select 1 union all select n + 1 from r where n < ${count}) select n from r) r`;
  const depth = { mysql: `set cte_max_recursion_depth = ${rows};`, mariadb: `set max_recursive_iterations = ${rows};` };
  const deep = engine === "postgres" ? "" : depth[engine];
  const digest = isPostgres ? "md5(n::text)" : "sha2(n, 224)";
  const filler = isPostgres ? "text" : "longtext";

  const columns = "a int, b varchar(60), c varchar(60), d varchar(60), e int";
  const filled = `n, ${digest}, ${digest}, ${digest}, n`;
  const all = "a = a + 1, b = 'b', c = 'c', d = 'd', e = 0";

  test.each([
    [
      `${rows} rows by number, each another in every column`,
      `create table t (id int primary key, ${columns}); insert into t select n, ${filled} from ${numbers(rows)}`,
      `update t set ${all}`,
      `"t": ${rows} rows changed in "a", "b", "c", "d", "e"`,
    ],
    [
      `${rows} rows by text, each another in every column`,
      `create table t (id varchar(60) primary key, ${columns}); insert into t select ${digest}, ${filled} from ${numbers(rows)}`,
      `update t set ${all}`,
      `"t": ${rows} rows changed in "a", "b", "c", "d", "e"`,
    ],
    [
      `${rows} rows without a key, all of them others`,
      `create table t (${columns}); insert into t select ${filled} from ${numbers(rows)}`,
      `update t set ${all}`,
      `"t": ${rows} rows added, ${rows} rows gone`,
    ],
    [
      "rows of a megabyte behind narrow ones, all of them others",
      `create table t (id int primary key, doc ${filler}); insert into t select n, 'x' from ${numbers(2000)};
        update t set doc = repeat('0123456789', 100000) where id > 1900`,
      "update t set doc = concat(doc, 'x')",
      '"t": 2000 rows changed in "doc"',
    ],
  ])("%s, takes Node no more than 200 MB", { timeout: 300_000 }, async (_, made, hop, told) => {
    const sandbox = await stage().create();
    const say = async (sql: string) => {
      const session = await sandbox.connect();
      await session.script(`${deep} ${sql}`).finally(() => session.end());
    };
    await say(made);
    const copy = await sandbox.copy();
    await say(hop);
    const { peak, messages } = await peakOfComparing(stage().engine, [copy, sandbox]);
    expect(messages).toEqual([expect.stringContaining(told)]);
    expect(peak, `${engine}: peak in MB`).toBeLessThan(Number(process.env.MEGABYTES ?? megabytes));
    await Promise.all([copy.drop(), sandbox.drop()]);
  });
});
