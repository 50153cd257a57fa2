import type { Image, Launch, Preparation, Program } from "./program.ts";

// What a throwaway server can do without, and what a server otherwise takes from the machine it is on.
const settings: Readonly<Record<string, string>> = {
  max_connections: "200",
  shared_buffers: "64MB",
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  wal_level: "minimal",
  max_wal_senders: "0",
  max_wal_size: "4GB",
  checkpoint_timeout: "1h",
  autovacuum: "off",
  log_checkpoints: "off", // A server's last words should be about its end.
  max_logical_replication_workers: "0",
  jit: "off",
  timezone: "UTC",
  log_timezone: "UTC",
  lc_messages: "C",
  default_transaction_isolation: "read committed",
};

/** What only some versions know, or only servers on this machine need. */
function settingsHere(version: string): Readonly<Record<string, string>> {
  const major = Number.parseInt(version, 10);
  return {
    ...settings,
    listen_addresses: "127.0.0.1",
    dynamic_shared_memory_type: "mmap", // In the data folder, so that it goes with it even after a SIGKILL.
    // The password keeps other users of this machine out; nobody ever has its hash.
    ...(major >= 16 && { scram_iterations: "1" }),
    ...(major >= 18 && { io_method: "sync" }),
    ...(major >= 18 && process.platform === "linux" && { file_copy_method: "clone" }),
  };
}

const initdbOptions = ["--username=postgres", "--auth=password", "--no-sync", "--encoding=UTF8", "--locale=C"];

function prepare({ data, secretFile, version }: Preparation) {
  const major = Number.parseInt(version, 10);
  const args = [
    ...[`--pgdata=${data}`, `--pwfile=${secretFile}`, ...initdbOptions, "--wal-segsize=1"],
    ...(major >= 14 ? ["--no-instructions"] : []),
    ...(major >= 17 ? ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] : []),
    ...(major >= 18 ? ["--no-data-checksums"] : []), // Kept for a disk that goes bad: this one goes soon.
  ];
  return [{ names: ["initdb"], args }];
}

export const postgresProgram: Program = {
  executables: ["postgres"],
  places: [
    "/usr/lib/postgresql/*/bin", // Debian, Ubuntu
    "/usr/pgsql-*/bin", // Fedora, Red Hat
    "/usr/lib/postgresql*/bin", // SUSE, Alpine
    "/usr/libexec/postgresql*",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
    "/Library/PostgreSQL/*/bin",
  ],
  versionIn: (said) => /\(PostgreSQL\) (\d+(?:\.\d+)*)/.exec(said)?.[1],
  recipe: [prepare({ data: "", secretFile: "", version: "18" }), settings],
  secret: (password) => password,
  prepare,
  launch: ({ data, port, sockets, version }: Launch) => [
    ...["-D", data, "-p", String(port), "-k", sockets ?? ""],
    ...Object.entries(settingsHere(version)).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
  ],
  isReady: (words) => words.includes("ready to accept connections"),
  refusal(words) {
    if (/No space left on device/.test(words)) return "no-room";
    if (/could not (bind|create any)/.test(words)) return "port-taken";
    return damaged.test(words) ? "damaged" : undefined;
  },
  endSignal: "SIGQUIT",
  pidFile: "postmaster.pid",
  maintenance: ({ port, password }) => ({ host: "127.0.0.1", port, user: "postgres", password, database: "postgres" }),
};

const damaged =
  /PANIC|shared librar|Library not loaded|^cp: |control file|database files|could not (open|read|locate|load)|not a valid|is missing/m;

export const postgresImage: Image = {
  name: "postgres",
  tag: "18",
  port: 5432,
  data: "/var/lib/postgresql",
  args: ["postgres", ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
  maintenance: ({ host, port, password }) => ({ host, port, user: "postgres", password, database: "postgres" }),
};
