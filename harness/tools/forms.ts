import { type Address, type EngineName, forEngine, type PerEngine } from "../database.ts";
import { HarnessError, knownNames } from "../errors.ts";

/** The sandbox that a tool is to be shown, and what is said of it beside its address. */
export interface Shown {
  readonly address: Address;
  readonly engine: EngineName;
  /** What `{release}` stands for. */
  readonly release: string;
}

/**
 * Writes the sandbox's address into a text, in the form that its placeholders ask for. `{{url}}` is `{url}` as it stands, and
 * what a shell reads, `${url}`, is left alone.
 *
 * @throws {HarnessError} `bad-input` for a placeholder that is not known, or that this engine has nothing for
 */
export function filledIn(text: string, shown: Shown): string {
  return text.replace(placeholder, (whole, escaped?: string, name = "", variant?: string) => {
    if (escaped !== undefined) return `{${escaped}}`;
    return formNamed(name, shown.engine, whole)(shown, variant);
  });
}

/**
 * Refuses, before anything runs, what {@link filledIn} would refuse.
 *
 * @throws {HarnessError} `bad-input`
 */
export function refuseUnknownForms(text: string, engine: EngineName): void {
  for (const [whole, escaped, name = ""] of text.matchAll(placeholder))
    if (escaped === undefined) formNamed(name, engine, whole);
}

/** The address as environment variables, by the names that clients and tools look for. */
export function variablesFor(shown: Shown): { readonly [name: string]: string } {
  const told = forEngine(variables, shown.engine) ?? {};
  const filled = Object.entries(told).map(([name, form]) => [name, filledIn(form, shown)] as const);
  return Object.fromEntries(filled.filter(([name, value]) => value !== "" || /PASSWORD|PWD/.test(name)));
}

const placeholder = /\{\{([a-z]+(?::[\w+]+)?)\}\}|(?<!\$)\{([a-z]+)(?::([\w+]+))?\}/g;

type Form = (shown: Shown, variant?: string) => string;

/** A form for every engine, or one for each that has it. */
const forms: { readonly [name: string]: Form | PerEngine<Form> } = {
  release: ({ release }) => release,
  url: {
    postgres: urlOf("postgres", { require: "sslmode=require", verify: "sslmode=verify-full" }),
    mysql: urlOf("mysql", { require: "ssl-mode=REQUIRED", verify: "ssl-mode=VERIFY_IDENTITY" }),
  },
  libpq: { postgres: keywords },
  sqlalchemy: {
    postgres: (shown, driver = "psycopg2") => {
      const mode = driver === "asyncpg" ? "ssl" : "sslmode";
      return urlOf(`postgresql+${driver}`, { require: `${mode}=require`, verify: `${mode}=verify-full` })(shown);
    },
    mysql: (shown, driver = "pymysql") =>
      urlOf(`mysql+${driver}`, { require: "ssl_check_hostname=false", verify: "ssl_check_hostname=true" })(shown),
  },
  rails: {
    postgres: urlOf("postgresql", { require: "sslmode=require", verify: "sslmode=verify-full" }),
    mysql: urlOf("mysql2", { require: "ssl_mode=required", verify: "ssl_mode=verify_identity" }),
  },
  django: {
    postgres: urlOf("postgres", { require: "sslmode=require", verify: "sslmode=verify-full" }),
    mysql: urlOf("mysql", { require: "ssl_mode=REQUIRED", verify: "ssl_mode=VERIFY_IDENTITY" }),
  },
  jdbc: {
    postgres: jdbcOf("postgresql", {
      none: "sslmode=disable",
      require: "sslmode=require",
      verify: "sslmode=verify-full",
    }),
    mysql: jdbcOf("mysql", {
      none: "sslMode=DISABLED&allowPublicKeyRetrieval=true",
      require: "sslMode=REQUIRED",
      verify: "sslMode=VERIFY_IDENTITY",
    }),
    mariadb: jdbcOf("mariadb", { none: "sslMode=disable", require: "sslMode=trust", verify: "sslMode=verify-full" }),
  },
  go: {
    postgres: urlOf("postgres", { none: "sslmode=disable", require: "sslmode=require", verify: "sslmode=verify-full" }),
    mysql: ({ address: { user, password, host, port, database, tls } }) => {
      const secured = tls === undefined ? "" : `&tls=${tls === "verify" ? "true" : "skip-verify"}`;
      return `${user}:${password}@tcp(${bracketed(host)}:${port})/${database}?multiStatements=true&parseTime=true${secured}`;
    },
  },
  host: ({ address }) => address.host,
  port: ({ address }) => String(address.port),
  user: ({ address }) => address.user,
  password: ({ address }) => address.password,
  database: ({ address }) => address.database,
  engine: ({ engine }) => engine,
  tls: {
    postgres: ({ address: { tls } }) => (tls === undefined ? "" : tls === "verify" ? "verify-full" : "require"),
    mysql: ({ address: { tls } }) => (tls === undefined ? "" : tls === "verify" ? "VERIFY_IDENTITY" : "REQUIRED"),
  },
};

const variables: PerEngine<{ readonly [name: string]: string }> = {
  postgres: {
    DATABASE_URL: "{url}",
    PGHOST: "{host}",
    PGPORT: "{port}",
    PGUSER: "{user}",
    PGPASSWORD: "{password}",
    PGDATABASE: "{database}",
    PGSSLMODE: "{tls}",
  },
  mysql: {
    DATABASE_URL: "{url}",
    MYSQL_HOST: "{host}",
    MYSQL_PORT: "{port}",
    MYSQL_TCP_PORT: "{port}",
    MYSQL_USER: "{user}",
    MYSQL_PASSWORD: "{password}",
    MYSQL_PWD: "{password}",
    MYSQL_DATABASE: "{database}",
  },
};

function formNamed(name: string, engine: EngineName, whole: string): Form {
  const form = Object.hasOwn(forms, name) ? forms[name] : undefined;
  const own = typeof form === "function" ? form : form && forEngine(form, engine);
  if (own !== undefined) return own;
  const known = Object.keys(forms).filter((other) => hasForm(other, engine));
  const why = form === undefined ? "there is no such placeholder" : `there is no such form for ${engine}`;
  throw new HarnessError(
    "bad-input",
    `Cannot fill in "${whole}": ${why} (${knownNames(name, known)}; braces that are meant are written {{${name}}})`,
  );
}

function hasForm(name: string, engine: EngineName): boolean {
  const form = forms[name];
  return typeof form === "function" || (form !== undefined && forEngine(form, engine) !== undefined);
}

/** How a form says whether the connection is to be encrypted; `none`: that it is not. */
interface Secured {
  readonly none?: string;
  readonly require: string;
  readonly verify: string;
}

function urlOf(scheme: string, secured: Secured): Form {
  return ({ address: { host, port, user, password, database, tls } }) => {
    const secret = password === "" ? "" : `:${encodeURIComponent(password)}`;
    const where = `${encodeURIComponent(user)}${secret}@${bracketed(host)}:${port}/${encodeURIComponent(database)}`;
    const query = secured[tls ?? "none"];
    return `${scheme}://${where}${query === undefined ? "" : `?${query}`}`;
  };
}

function jdbcOf(name: string, secured: Required<Secured>): Form {
  return ({ address: { host, port, user, password, database, tls } }) => {
    const who = `user=${encodeURIComponent(user)}&password=${encodeURIComponent(password)}`;
    const where = `${bracketed(host)}:${port}/${encodeURIComponent(database)}`;
    return `jdbc:${name}://${where}?${who}&${secured[tls ?? "none"]}`;
  };
}

function keywords({ address: { host, port, user, password, database, tls } }: Shown): string {
  const secured = tls === undefined ? {} : { sslmode: tls === "verify" ? "verify-full" : "require" };
  const told = { host, port, user, ...(password !== "" && { password }), dbname: database, ...secured };
  return Object.entries(told)
    .map(([keyword, value]) => `${keyword}='${String(value).replace(/['\\]/g, "\\$&")}'`)
    .join(" ");
}

function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
