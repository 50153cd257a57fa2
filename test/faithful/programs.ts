import { execa } from "execa";
import type { ChainName } from "./chains.ts";

/** Why a program does not run here. */
export async function whyNotRun(program: string, args: readonly string[]): Promise<string | undefined> {
  const { failed, originalMessage } = await execa(program, args, { reject: false, stdin: "ignore", timeout: 20_000 });
  return failed ? `"${program}" does not run: ${originalMessage ?? "it fails"}` : undefined;
}

/** The chains that are walked with what takes a second to start. */
export const few: readonly ChainName[] = ["releases", "skipped", "concurrently", "fails", "late", "removed"];

/** What no engine makes different is seen on one. */
export const once = { mysql: "none" } as const;

export const noBytecode = { PYTHONDONTWRITEBYTECODE: "1" };

/** Runs a program as its users do. Throws what it printed where it failed. */
export async function ran(
  program: string,
  args: readonly string[],
  { cwd, env }: { cwd: string; env: NodeJS.ProcessEnv },
) {
  const options = {
    cwd,
    env: { ...env, ...noBytecode },
    reject: false,
    all: true,
    stdin: "ignore",
    timeout: 30_000,
  } as const;
  const { failed, all } = await execa(program, args, options);
  if (failed) throw new Error(all);
}
