import { types } from "node:util";
import { quoted } from "./mysql-text.ts";
import { refuseSql } from "./planting.ts";

/** What a column takes from a text without any difference to what it takes from SQL; `other`: text alone. */
export type Kind = "text" | "bytes" | "number" | "moment" | "other";

export function kindOf(type: string, extra: string): Kind | undefined {
  if (/\b(virtual|stored|persistent)\b/i.test(extra)) return undefined;
  if (/^((tiny|medium|long)?blob|(var)?binary)\b/i.test(type)) return "bytes";
  if (/^((tiny|medium|long)?text|(var)?char)\b/i.test(type)) return "text";
  if (/^((tiny|small|medium|big)?int|decimal|float|double)\b/i.test(type)) return "number";
  return /^(datetime|date|timestamp|time)\b/i.test(type) ? "moment" : "other";
}

/** The columns as LOAD DATA lists them: bytes come as hexadecimal digits, since nothing else is told no character set. */
export function listed(columns: readonly string[], kinds: readonly Kind[]): string {
  const into = columns.map((name, i) => (kinds[i] === "bytes" ? `@c${i}` : quoted(name)));
  const bytes = columns.flatMap((name, i) => (kinds[i] === "bytes" ? [`${quoted(name)} = unhex(@c${i})`] : []));
  return `(${into.join(", ")})${bytes.length > 0 ? ` set ${bytes.join(", ")}` : ""}`;
}

/**
 * A row as LOAD DATA reads it.
 *
 * @throws for a value that SQL and text would tell differently
 */
export function lineOf(values: readonly unknown[], kinds: readonly Kind[]): string {
  let line = "";
  for (let i = 0; i < values.length; i++) line += (i === 0 ? "" : "\t") + cell(values[i], kinds[i] ?? "other");
  return `${line}\n`;
}

function cell(value: unknown, kind: Kind): string {
  if (value === null) return "\\N";
  if (kind === "bytes") return bytesOf(sent(value)).toString("hex");
  if (typeof value === "string") return special.test(value) ? value.replace(specials, escaped) : value;
  if (kind === "number" || kind === "text") {
    if (typeof value === "number" && Number.isSafeInteger(value)) return String(value);
    if (typeof value === "bigint" || (typeof value === "number" && /^-?\d+(\.\d+)?$/.test(String(value))))
      return String(value);
    if (typeof value === "boolean") return value ? "1" : "0";
  }
  const told = sent(value);
  if (typeof told === "string") return cell(told, kind);
  if (types.isDate(told) && (kind === "moment" || kind === "text")) {
    const text = told.toISOString(); // The session's time zone is that one.
    if (text.length === 24) return text.slice(0, 23).replace("T", " ");
  }
  throw new TypeError("SQL and text would tell this value differently");
}

function bytesOf(value: unknown): Buffer {
  if (typeof value === "string") return Buffer.from(value);
  if (Buffer.isBuffer(value)) return value;
  throw new TypeError("SQL and text would tell this value differently");
}

const special = /[\\\t\n]/;
const specials = /[\\\t\n]/g;
const escapes: Readonly<Record<string, string>> = { "\\": "\\\\", "\t": "\\t", "\n": "\\n" };
const escaped = (character: string) => escapes[character] ?? character;

/** A value as it is handed to the driver, which would write `[object Object]` for what is meant as a document. */
export function sent(value: unknown): unknown {
  refuseSql(value);
  if (typeof value !== "object" || value === null || types.isDate(value) || Buffer.isBuffer(value)) return value;
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return "toSqlString" in value ? value : JSON.stringify(value);
}

/** About as many bytes as a row takes. */
export function sizeOf(values: readonly unknown[]): number {
  let size = 0;
  for (const value of values) size += typeof value === "string" || Buffer.isBuffer(value) ? value.length : 8;
  return size;
}
