import { spawnSync } from "node:child_process";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type EngineName, forEngine, type PerEngine } from "../../harness/database.ts";
import { folderAt } from "../../harness/formats/folder.ts";
import { statementsOf } from "../../harness/formats/statements.ts";
import { type Figure, median, timed } from "./figure.ts";

/** Reading and splitting migrations, alone and against half as many; and peak memory while a large one is streamed. */
export async function* reading(): AsyncGenerator<Figure> {
  const place = mkdtempSync(join(tmpdir(), "reading-"));
  try {
    for (const engine of ["postgres", "mysql"] as const) yield* splitting(place, engine);
    yield* streaming(place);
  } finally {
    rmSync(place, { recursive: true });
  }
}

const allowed = 500;

async function* splitting(place: string, engine: EngineName): AsyncGenerator<Figure> {
  const elapsed: { readonly [count: number]: number[] } = { 1000: [], 2000: [] };
  for (const count of [1000, 2000]) {
    const folder = mkdtempSync(join(place, `${count}-`));
    for (let i = 1; i <= count; i++) writeFileSync(join(folder, `${i}_change.sql`), migration(engine, i));
    for (let round = 0; round < 9; round++) elapsed[count]?.push(await timed(() => readAll(folder, engine)));
  }
  const [thousand = [], twoThousand = []] = [elapsed[1000], elapsed[2000]];
  const about = { unit: "ms", what: "5 to 6 statements each, some with bodies" } as const;
  // The first is what somebody waits for who reads a chain once.
  const first = thousand[0] ?? Number.NaN;
  const limit = { floor: `${allowed} ms allowed`, floors: allowed, target: 1 };
  yield { ...about, ...limit, name: `reading 1,000 migrations, ${engine}`, ours: first, ratio: first / allowed };
  const [ours, floors] = [median(twoThousand), median(thousand)];
  const half = { floor: "1,000 of them", floors, target: 2.2 };
  yield { ...about, ...half, name: `reading 2,000 migrations, ${engine}`, ours, ratio: ours / floors };
}

async function readAll(path: string, engine: EngineName): Promise<void> {
  const folder = await folderAt(path);
  let count = 0;
  for (const file of folder.files) count += statementsOf(await folder.text(file), { engine, file }).length;
  if (count < 5 * folder.files.length) throw new Error(`Only ${count} statements were found`);
}

function migration(engine: EngineName, i: number): string {
  return `-- It's migration ${i}; among others
create table t${i} (id int primary key, name varchar(100) not null default 'a;b', created timestamp);
create index by_name_${i} on t${i} (name); /* why; */
insert into t${i} (id, name) values (1, 'it''s'), (2, '→'), (3, null);
${i % 3 === 0 ? bodies(engine, i) : `alter table t${i} add column c int;\nalter table t${i} drop column created;\n`}`;
}

function bodies(engine: EngineName, i: number): string {
  const written: PerEngine<string> = {
    postgres: `create function f${i}() returns trigger language plpgsql as $$ begin
  if new.name = ';' then new.name := 'x'; end if;
  return new;
end $$;
create trigger g before insert on t${i} for each row execute function f${i}();\n`,
    mysql: `DELIMITER //
create procedure p${i}(a int) begin
  if a = 1 then select ';'; end if;
end//
DELIMITER ;
create trigger g${i} before insert on t${i} for each row begin set new.name = ';'; set new.id = 1; end;\n`,
  };
  return forEngine(written, engine) ?? "";
}

/** Peak memory of a Node process that does nothing else, against that of a tenth of the file. */
async function* streaming(place: string): AsyncGenerator<Figure> {
  const row = (i: number) => `${i}\tit's a name; or two\t2026-01-01\t\\N\n`;
  const insert = (i: number) => `insert into users (id, name) values (${i}, 'it''s a name; or two'); -- ${i}\n`;
  const files: readonly [what: string, EngineName, begin: string, line: (i: number) => string, end: string][] = [
    ["statements", "postgres", "", insert, ""],
    ["statements", "mysql", "", insert, ""],
    ["rows of COPY", "postgres", "copy users from stdin;\n", row, "\\.\n"],
  ];
  for (const [what, engine, begin, line, end] of files) {
    const written = (megabytes: number) => {
      const file = join(place, `${megabytes}.sql`);
      writeFileSync(file, begin);
      const part = Array.from({ length: 10_000 }, (_, i) => line(i)).join("");
      for (let size = 0; size < megabytes * 1e6; size += part.length) appendFileSync(file, part);
      appendFileSync(file, end);
      return file;
    };
    const [large, small] = [written(200), written(20)];
    const peaks = (file: string) => median(Array.from({ length: 3 }, () => peakOf(file, engine)));
    const [ours, floors] = [peaks(large), peaks(small)];
    yield {
      name: `streaming 200 MB of ${what}, ${engine}`,
      what: "peak resident memory of Node",
      floor: "20 MB of them",
      ours,
      floors,
      unit: "MB",
      ratio: ours / floors,
      target: 1.5,
    };
  }
}

const streamed = fileURLToPath(new URL("../../dist/formats/streamed.js", import.meta.url));

function peakOf(file: string, engine: EngineName): number {
  const script = `
    import { createReadStream } from "node:fs";
    import { streamedPieces } from ${JSON.stringify(streamed)};
    const [file, engine] = process.argv.slice(1);
    const pieces = streamedPieces(() => createReadStream(file), { engine, file });
    for await (const { copied } of pieces()) if (typeof copied === "object") for await (const rows of copied);
    console.log(process.resourceUsage().maxRSS);`;
  const args = ["--input-type=module", "--eval", script, file, engine];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 120_000 });
  if (status !== 0) throw new Error(`Streaming ${file} ended with ${status}: ${stderr}`);
  return Number(stdout) / 1000; // Linux counts in kilobytes.
}
