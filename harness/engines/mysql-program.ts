import { dirname } from "node:path";
import type { Dialect } from "./mysql-dialect.ts";
import type { Image, Launch, Preparation, Program } from "./program.ts";

/** How a server of MySQL or MariaDB is started from binaries. */
export function programOf(dialect: Dialect): Program {
  const maria = dialect.name === "mariadb";
  const throwaway = throwawaySettings(dialect);
  return {
    executables: maria ? ["mariadbd", "mysqld"] : ["mysqld"],
    places: [
      "/usr/sbin",
      "/usr/libexec",
      ...["/opt/homebrew", "/usr/local", "/home/linuxbrew/.linuxbrew"].map(
        (brew) => `${brew}/opt/${dialect.name}*/bin`,
      ),
      `/usr/local/${dialect.name}*/bin`,
      `/opt/${dialect.name}*/bin`,
    ],
    versionIn(said) {
      const [, version] = /Ver (\d+(?:\.\d+)+)/.exec(said) ?? [];
      return dialect.isNamed(said) ? version : undefined;
    },
    recipe: (maria ? prepareMariadb : prepareMysql)({ data: "", secretFile: "", version: "" }),
    secret,
    prepare: (into) => (maria ? prepareMariadb(into) : prepareMysql(into)),
    launch: ({ data, port, sockets }: Launch) => [
      ...["--no-defaults", `--datadir=${data}`, `--port=${port}`, "--bind-address=127.0.0.1"],
      ...[`--socket=${sockets === undefined ? "" : `${sockets}/`}server.sock`, `--pid-file=${data}/server.pid`],
      // In a folder that servers share, one that starts removes what another has put there.
      `--tmpdir=${dirname(data)}`,
      ...throwaway,
    ],
    isReady: (words) => /: ready for connections/.test(words),
    refusal(words) {
      if (/No space left on device|errno:? 28\b|\(28\b/i.test(words)) return "no-room";
      if (/Address already in use|Can't start server: Bind on/.test(words)) return "port-taken";
      return damaged.test(words) ? "damaged" : undefined;
    },
    // It ends cleanly in a second or more, and what it would save is thrown away.
    endSignal: "SIGKILL",
    pidFile: "server.pid",
    maintenance: ({ port, password }) => ({ host: "127.0.0.1", port, user: "root", password, database: "" }),
  };
}

/** How a server of MySQL or MariaDB is started in a container. */
export function imageOf(dialect: Dialect): Image {
  return {
    name: dialect.name,
    tag: dialect.name === "mariadb" ? "11.8" : "9",
    port: 3306,
    data: "/var/lib/mysql",
    args: throwawaySettings(dialect),
    maintenance: ({ host, port, password }) => ({ host, port, user: "root", password, database: "" }),
  };
}

const damaged =
  /\[ERROR\].*(corrupt|missing|Cannot open|not found|doesn't exist|upgrade|redo log|system tablespace)|shared librar|Library not loaded|^cp: /im;

/** It is copied with the folder at every start, so a large one costs more than it gains. */
const logSize = "32M";

function throwawaySettings({ name, sqlMode, collation }: Dialect): readonly string[] {
  return [
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-flush-method=nosync",
    "--innodb-doublewrite=OFF",
    "--innodb-buffer-pool-size=128M",
    "--skip-log-bin",
    "--max-connections=200",
    "--innodb-stats-auto-recalc=OFF", // Statistics of a table that is soon dropped cost a third of its copy.
    "--innodb-stats-persistent=OFF",
    "--event-scheduler=OFF", // What runs by the clock does not repeat.
    "--skip-name-resolve",
    "--performance-schema=OFF",
    "--local-infile=ON", // Rows that are sown are loaded; no client of ours reads a file.
    "--character-set-server=utf8mb4",
    `--collation-server=${collation}`,
    `--sql-mode=${sqlMode}`,
    "--default-time-zone=+00:00",
    "--transaction-isolation=REPEATABLE-READ",
    ...(name === "mariadb"
      ? [`--innodb-log-file-size=${logSize}`, "--innodb-buffer-pool-load-at-startup=OFF"]
      : ["--innodb-redo-log-capacity=512M", "--mysqlx=OFF"]),
  ];
}

/** Nobody gets in but by TCP from this machine, with the password. */
function secret(password: string): string {
  return [
    "flush privileges;",
    "drop user if exists ''@localhost;",
    `create user if not exists root@'127.0.0.1';`,
    `alter user root@'127.0.0.1' identified by '${password}';`,
    `alter user root@localhost identified by '${password}';`,
    "grant all privileges on *.* to root@'127.0.0.1' with grant option;",
  ].join("\n");
}

function prepareMariadb({ data, secretFile }: Preparation) {
  const args = [
    ...[
      "--no-defaults",
      `--datadir=${data}`,
      `--tmpdir=${data}`,
      "--auth-root-authentication-method=normal",
      "--skip-test-db",
    ],
    ...[`--extra-file=${secretFile}`, `--innodb-log-file-size=${logSize}`],
  ];
  return [{ names: ["mariadb-install-db", "mysql_install_db"], args }];
}

function prepareMysql({ data, secretFile }: Preparation) {
  const args = ["--no-defaults", `--datadir=${data}`, `--tmpdir=${data}`];
  args.push("--initialize-insecure", `--init-file=${secretFile}`);
  return [{ names: ["mysqld"], args }];
}
