import { clean, type Migration, release, type Scenario } from "migration-sandbox";
import { describe, expect, test } from "vitest";
import { readSamples, touchesData } from "../harness/samples.ts";
import { pathsOf } from "../harness/selection.ts";

/** A chain of so many releases; those of these numbers bring a migration that touches data. */
function chainOf(length: number, data: readonly number[]): Scenario["chain"] {
  const touching = new Set(data);
  const migrations = Array.from({ length }, (_, i): Migration => {
    return { name: `${i}`, up: touching.has(i) ? `update t set a = ${i}` : `create table t${i} (id int primary key)` };
  });
  return migrations.map(({ name }, i) => release(name, { migrations: migrations.slice(0, i + 1) }));
}

async function sampled(chain: Scenario["chain"], sample: number) {
  const scenario: Scenario = {
    title: "shop",
    engines: ["postgres"],
    chain,
    paths: [{ every: "to-latest", sample, expect: clean }],
  };
  await readSamples(scenario);
  const paths = pathsOf(scenario);
  return { starts: paths.map(({ path }) => Number(path.from)), remark: paths[0]?.remark };
}

describe("a sample", () => {
  test("takes the oldest and the newest start, those whose releases touch data, and others evenly spread", async () => {
    expect(await sampled(chainOf(413, [40, 41, 300]), 10)).toEqual({
      starts: [0, 40, 41, 105, 137, 170, 235, 300, 355, 411],
      remark:
        "to-latest: 10 of 412 starts, evenly spread, with 3 of the 3 that touch data\n" +
        "(--paths to-latest for all, --paths to-latest:50 for 50)",
    });
  });

  test("takes the same each time, and of those that touch data no more than leave half for the others", async () => {
    const even = Array.from({ length: 50 }, (_, i) => 2 * i);
    const [one, other] = [await sampled(chainOf(101, even), 12), await sampled(chainOf(101, even), 12)];
    expect(one).toEqual(other);
    expect(one.starts).toHaveLength(12);
    expect([one.starts[0], one.starts.at(-1)]).toEqual([0, 99]);
    const gaps = one.starts.slice(1).map((start, i) => start - (one.starts[i] ?? 0));
    expect(Math.max(...gaps)).toBeLessThan(20);
  });

  test("of no more releases than there are is all of them, and says nothing", async () => {
    expect(await sampled(chainOf(5, []), 20)).toEqual({ starts: [0, 1, 2, 3], remark: undefined });
  });

  test("of releases that do nothing to data is spread, and says so", async () => {
    const { starts, remark } = await sampled(chainOf(10, []), 4);
    expect(starts).toEqual([0, 2, 4, 8]);
    expect(remark).toBe(
      "to-latest: 4 of 9 starts, evenly spread, none of which touches data\n(--paths to-latest for all)",
    );
  });

  test("of 5,000 releases is taken in a moment", async () => {
    const chain = chainOf(5000, [7, 4000]);
    const begun = performance.now();
    const { starts } = await sampled(chain, 20);
    expect(starts).toHaveLength(20);
    expect(starts).toEqual(expect.arrayContaining([0, 7, 4000, 4998]));
    expect(performance.now() - begun).toBeLessThan(10_000);
  });

  test.each<readonly [touches: boolean, sql: Migration["up"]]>([
    [true, "update users set name = 'x'"],
    [true, "UPDATE ONLY public.users u SET name = 'x'"],
    [true, "update `a` join `b` on a.id = b.id set a.x = b.x"],
    [true, "delete from users"],
    [true, "delete u from users u join gone g on g.id = u.id"],
    [true, "insert into a (x) select x from b"],
    [true, "with old as (select 1) insert into a select * from old"],
    [true, "merge into a using b on true when matched then delete"],
    [true, "truncate table users"],
    [true, "drop table users"],
    [true, "alter table users drop column name"],
    [true, "alter table users add x int, drop name"],
    [true, "alter table users alter column age type smallint"],
    [true, "alter table users alter age set data type smallint"],
    [true, "alter table `users` modify `age` smallint"],
    [true, async () => {}],
    [true, { postgres: "delete from users" }],
    [false, "create table users (id int primary key, a int references b on update cascade on delete set null)"],
    [false, "insert into kinds (id) values (1)"],
    [false, "-- delete from users\nselect 1"],
    [false, "/* update users set name = 1 */ select 1"],
    [false, "comment on table users is 'drop table users'"],
    [false, "create trigger t before update on users for each row execute function f()"],
    [false, "alter table users drop constraint users_key, add x int"],
    [false, "alter table users alter column x set not null"],
    [false, "create index concurrently by_name on users (name)"],
  ])("is asked whether it touches data (%s): %s", (touches, up) => {
    expect(touchesData({ name: "0001", up }, "postgres")).toBe(touches);
  });
});
