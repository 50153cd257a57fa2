import type { Release } from "./chain.ts";
import { refuseChain } from "./chain-refusals.ts";
import type { Database } from "./database.ts";
import { HarnessError } from "./errors.ts";
import { type Ledger, ledgerOf } from "./ledger.ts";
import { type PlannedRelease, plannedRelease } from "./planned-release.ts";
import { type Reading, readingOf } from "./reading.ts";
import { refuseHops, releaseNamed } from "./refusing.ts";
import { defaults } from "./rehearse.ts";
import { explainFinding } from "./report/pretty.ts";
import { endKnex, type Sandbox, type Stage } from "./sandbox.ts";
import { start } from "./start.ts";
import type { Finding } from "./verdict.ts";

/** A throwaway database for an upgrade test written by hand. */
export interface UpgradeSandbox {
  /** Knex, speaking to the database. */
  readonly knex: Database;
  readonly url: string;
  /**
   * Installs a release, as on an empty database, and remembers the chain for {@link upgrade}.
   *
   * @throws {HarnessError} `bad-input` for a release that the chain does not have
   * @throws {UpgradeFailed} if the release does not come up
   */
  install(chain: readonly Release[], release: string): Promise<void>;
  /**
   * Upgrades to another release of the chain and returns the ledger: the database before and after, row by row.
   *
   * @throws {HarnessError} `bad-input` for a release that the chain does not have, or before anything is installed
   * @throws {UpgradeFailed} if the release does not come up
   */
  upgrade(release: string): Promise<Ledger>;
}

/** The upgrade misbehaved: the message is its report. */
export class UpgradeFailed extends Error {
  override readonly name = "UpgradeFailed";
  /** What ended the start. */
  readonly finding: Finding | undefined;
  /** What else went wrong in it. */
  readonly others: readonly Finding[];

  constructor([finding, ...others]: readonly Finding[]) {
    super(
      [`${finding?.release} does not come up`, ...[finding ?? [], ...others].flat().map(explainFinding)].join("\n"),
    );
    this.finding = finding;
    this.others = others;
  }
}

export async function upgradeSandbox(stage: Stage): Promise<UpgradeSandbox & { end(): Promise<void> }> {
  const sandbox = await stage.create();
  const knex = await sandbox.knex();
  const copies: Sandbox[] = [];
  const readings: Reading[] = [];
  let chain: readonly Release[] = [];
  let current: PlannedRelease | undefined;

  async function startRelease(name: string): Promise<void> {
    const release = await plannedRelease(releaseNamed(chain, name, "the chain"), sandbox.engine.name, "the chain");
    const { timeout } = defaults;
    const from = current?.name ?? null;
    const alone = { stage, from, last: current, timeout, file: undefined, settings: undefined, runners: 1 };
    const { cameUp, findings } = await start(sandbox, release, alone);
    if (!cameUp) throw new UpgradeFailed(findings);
    current = release;
  }

  function read(of: Sandbox): Reading {
    const reading = readingOf(of);
    readings.push(reading);
    return reading;
  }

  return {
    knex,
    url: sandbox.url,
    async install(releases, name) {
      if (current !== undefined)
        throw new HarnessError("bad-input", `Cannot install "${name}": "${current.name}" is installed already`);
      refuseChain(releases, "the chain");
      chain = releases;
      await startRelease(name);
    },
    async upgrade(name) {
      if (current === undefined)
        throw new HarnessError(
          "bad-input",
          `Cannot upgrade to "${name}": nothing is installed yet (sandbox.install(chain, release) first)`,
        );
      refuseHops(chain, [current.name, name], "the chain");
      await endKnex(knex); // A database cannot be copied while somebody is in it.
      const before = await sandbox.copy();
      copies.push(before);
      try {
        await startRelease(name);
        // A copy, as before is: what the test does next must not change what it has been handed.
        const after = await sandbox.copy();
        copies.push(after);
        return ledgerOf(read(before), read(after));
      } finally {
        knex.initialize();
      }
    },
    async end() {
      for (const reading of readings) await reading.close();
      await endKnex(knex);
      for (const each of [...copies, sandbox]) await each.drop();
    },
  };
}
