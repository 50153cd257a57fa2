import { describe, expect, test } from "vitest";
import type { Address, EngineName } from "../../harness/database.ts";
import { filledIn, refuseUnknownForms, type Shown, variablesFor } from "../../harness/tools/forms.ts";

const plain: Address = { host: "127.0.0.1", port: 5432, user: "postgres", password: "", database: "sandbox_1" };
const awkward: Address = {
  host: "::1",
  port: 3307,
  user: "o'brien@home",
  password: "p@ss: /'?\\",
  database: "sandbox_1",
};

function shown(engine: EngineName, address: Address = plain): Shown {
  return { address, engine, release: "1.2.3" };
}

describe("the sandbox's address", () => {
  test.each([
    ["{url}", "postgres://postgres@127.0.0.1:5432/sandbox_1"],
    ["{libpq}", "host='127.0.0.1' port='5432' user='postgres' dbname='sandbox_1'"],
    ["{sqlalchemy}", "postgresql+psycopg2://postgres@127.0.0.1:5432/sandbox_1"],
    ["{sqlalchemy:asyncpg}", "postgresql+asyncpg://postgres@127.0.0.1:5432/sandbox_1"],
    ["{rails}", "postgresql://postgres@127.0.0.1:5432/sandbox_1"],
    ["{django}", "postgres://postgres@127.0.0.1:5432/sandbox_1"],
    ["{jdbc}", "jdbc:postgresql://127.0.0.1:5432/sandbox_1?user=postgres&password=&sslmode=disable"],
    ["{go}", "postgres://postgres@127.0.0.1:5432/sandbox_1?sslmode=disable"],
    [
      "-h{host} -p{port} -U{user} -W{password} {database} {engine}",
      "-h127.0.0.1 -p5432 -Upostgres -W sandbox_1 postgres",
    ],
    ["--to={release}", "--to=1.2.3"],
  ])("is written as %s asks for on PostgreSQL", (text, written) => {
    expect(filledIn(text, shown("postgres"))).toBe(written);
  });

  test.each([
    ["{url}", "mysql://root@127.0.0.1:3306/sandbox_1"],
    ["{sqlalchemy}", "mysql+pymysql://root@127.0.0.1:3306/sandbox_1"],
    ["{sqlalchemy:mysqldb}", "mysql+mysqldb://root@127.0.0.1:3306/sandbox_1"],
    ["{rails}", "mysql2://root@127.0.0.1:3306/sandbox_1"],
    ["{django}", "mysql://root@127.0.0.1:3306/sandbox_1"],
    [
      "{jdbc}",
      "jdbc:mysql://127.0.0.1:3306/sandbox_1?user=root&password=&sslMode=DISABLED&allowPublicKeyRetrieval=true",
    ],
    ["{go}", "root:@tcp(127.0.0.1:3306)/sandbox_1?multiStatements=true&parseTime=true"],
    ["{engine}", "mysql"],
  ])("is written as %s asks for on MySQL", (text, written) => {
    expect(filledIn(text, shown("mysql", { ...plain, user: "root", port: 3306 }))).toBe(written);
  });

  test("is written as MariaDB's own driver of Java asks for, and as MySQL's else", () => {
    const mariadb = shown("mariadb", { ...plain, user: "root", port: 3306 });
    expect(filledIn("{jdbc}", mariadb)).toBe(
      "jdbc:mariadb://127.0.0.1:3306/sandbox_1?user=root&password=&sslMode=disable",
    );
    expect(filledIn("{rails}", mariadb)).toBe("mysql2://root@127.0.0.1:3306/sandbox_1");
  });

  test("keeps awkward users, passwords and hosts what they are", () => {
    const url = new URL(filledIn("{url}", shown("postgres", awkward)));
    expect([decodeURIComponent(url.username), decodeURIComponent(url.password), url.hostname, url.port]).toEqual([
      awkward.user,
      awkward.password,
      "[::1]",
      "3307",
    ]);
    expect(filledIn("{libpq}", shown("postgres", awkward))).toBe(
      "host='::1' port='3307' user='o\\'brien@home' password='p@ss: /\\'?\\\\' dbname='sandbox_1'",
    );
    expect(filledIn("{go}", shown("mysql", awkward))).toBe(
      "o'brien@home:p@ss: /'?\\@tcp([::1]:3307)/sandbox_1?multiStatements=true&parseTime=true",
    );
  });

  test.each([
    ["postgres", "{url}", "?sslmode=verify-full"],
    ["postgres", "{sqlalchemy:asyncpg}", "?ssl=verify-full"],
    ["postgres", "{go}", "?sslmode=verify-full"],
    ["mysql", "{url}", "?ssl-mode=VERIFY_IDENTITY"],
    ["mysql", "{rails}", "?ssl_mode=verify_identity"],
    ["mysql", "{go}", "&tls=true"],
    ["mariadb", "{jdbc}", "&sslMode=verify-full"],
  ] as const)("says on %s in %s that the connection is encrypted", (engine, text, end) => {
    expect(filledIn(text, shown(engine, { ...plain, tls: "verify" }))).toMatch(end);
  });
});

describe("braces", () => {
  test("that are meant are written twice, and a shell's stay", () => {
    expect(filledIn('{{url}} \x24{url} $1 {} {"a": {"b": 1}}', shown("postgres"))).toBe(
      '{url} \x24{url} $1 {} {"a": {"b": 1}}',
    );
  });

  test("around a name that is not known are bad input", () => {
    expect(() => refuseUnknownForms("--database {dns}", "postgres")).toThrow(
      'Cannot fill in "{dns}": there is no such placeholder (known: "tls", "url", "jdbc", "go", "host", "rails", "django", "port" and 7 more; braces that are meant are written {{dns}})',
    );
  });

  test("that ask for what an engine has not are bad input", () => {
    expect(() => refuseUnknownForms("{libpq}", "mariadb")).toThrow(
      'Cannot fill in "{libpq}": there is no such form for mariadb (known: ',
    );
    expect(() => refuseUnknownForms("{constructor}", "mariadb")).toThrow("there is no such placeholder");
  });
});

test("clients of PostgreSQL find the sandbox in the variables that they look for", () => {
  expect(variablesFor(shown("postgres"))).toEqual({
    DATABASE_URL: "postgres://postgres@127.0.0.1:5432/sandbox_1",
    PGHOST: "127.0.0.1",
    PGPORT: "5432",
    PGUSER: "postgres",
    PGPASSWORD: "",
    PGDATABASE: "sandbox_1",
  });
});

test("clients of MySQL and MariaDB find the sandbox in the variables that they look for", () => {
  expect(variablesFor(shown("mariadb", { ...plain, password: "secret", port: 3306 }))).toEqual({
    DATABASE_URL: "mysql://postgres:secret@127.0.0.1:3306/sandbox_1",
    MYSQL_HOST: "127.0.0.1",
    MYSQL_PORT: "3306",
    MYSQL_TCP_PORT: "3306",
    MYSQL_USER: "postgres",
    MYSQL_PASSWORD: "secret",
    MYSQL_PWD: "secret",
    MYSQL_DATABASE: "sandbox_1",
  });
});
