import { type Shown, variablesFor } from "./forms.ts";

/** What a command is told beside its arguments. */
export interface Environment {
  readonly [name: string]: string;
}

/**
 * The environment of a tool: what ours has, without anything that could lead it to another database, and then the path's
 * settings and the sandbox.
 */
export function environmentFor(shown: Shown, settings: unknown): Environment {
  const inherited = Object.entries(process.env).filter(([name, value]) => value !== undefined && !leads(name, value));
  return {
    ...(Object.fromEntries(inherited) as Environment),
    ...settingsAsVariables(settings),
    ...variablesFor(shown),
  };
}

/** A variable by which clients and tools find a database, or that holds the address of one. */
function leads(name: string, value: string): boolean {
  return names.test(name) || address.test(value);
}

const names =
  /^(PG[A-Z]+|(POSTGRES|POSTGRESQL|MYSQL|MARIADB|DATABASE|DB|SQLALCHEMY|FLYWAY|LIQUIBASE|GOOSE|DBMATE|SPRING_DATASOURCE)(_.*|URL)?|(.*_)?(DATABASE|DB)_(URL|URI|DSN))$/;
const address = /^(jdbc:)?(postgres|postgresql|mysql|mysql2|mariadb)(\+\w+)?:\/\//i;

/** Plain values each by its name, `auth` as `AUTH` and `pageSize` as `PAGE_SIZE`; all of them as JSON. */
function settingsAsVariables(settings: unknown): Environment {
  if (settings === undefined || settings === null) return {};
  const plain = Object.entries(settings).filter(([, value]) => ["string", "number", "boolean"].includes(typeof value));
  const named = plain.map(([name, value]) => [upperSnake(name), String(value)] as const);
  return {
    // A program that is not found, or has another home, would be no setting of the product's.
    ...Object.fromEntries(named.filter(([name]) => !/^(PATH|HOME|)$/.test(name))),
    MIGRATION_SANDBOX_SETTINGS: JSON.stringify(settings),
  };
}

function upperSnake(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/[^A-Za-z0-9]+/g, "_")
    .toUpperCase();
}
