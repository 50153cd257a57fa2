import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { setTimeout } from "node:timers/promises";
import { migrationsIn } from "migration-sandbox";
import { type Link, saved, sqlOf } from "./chains.ts";
import type { Tool } from "./tool.ts";

const require = createRequire(import.meta.url);
const headers = /there should be two newlines after the headers section$/;

export const graphileMigrate: Tool = {
  title: "graphile-migrate",
  engines: ["postgres"],
  files(links) {
    let previous = "-";
    return Object.fromEntries(
      links.map((link) => {
        const { hash, text } = committed(previous, link);
        previous = hash;
        return [
          `committed/${String(link.number).padStart(6, "0")}-${link.name.replace(/[^-_a-zA-Z0-9]/g, "")}.sql`,
          text,
        ];
      }),
    );
  },
  ours: (folder) => migrationsIn(folder),
  async run({ url: connectionString }, migrationsFolder) {
    const { Logger } = require("@graphile/logger");
    const logger = new Logger(() => () => {});
    const { migrate } = require("graphile-migrate");
    await migrate({ connectionString, migrationsFolder, logger }).finally(() => setTimeout(400)); // It holds its pool open.
  },
  passing: ["date"],
  outcomes: {
    enclosed: { fails: "25001" },
    again: { fails: "23505" },
    thousand: "none",
    large: "none",
    fails: { fails: "23505" },
    mark: { refuses: headers, ours: /it begins with a byte order mark/ },
    crlf: { refuses: headers, ours: /its lines end in \\r\\n/ },
    // Hashes follow on each other: the next one finds no such predecessor.
    edited: { fails: "23503" },
  },
};

/** As `graphile-migrate commit` writes it. */
function committed(previous: string, link: Link) {
  const alone = link.alone ? "--! no-transaction\n" : "";
  const body = `${alone}${sqlOf(link)}`.trim();
  const hashed = `${`${previous === "-" ? "" : previous}\n${body}`.trim()}\n`;
  const hash = `sha1:${createHash("sha1").update(hashed).digest("hex")}`;
  return { hash, text: saved(`--! Previous: ${previous}\n--! Hash: ${hash}\n\n${body}\n`, link) };
}
