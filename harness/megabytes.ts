import { HarnessError } from "./errors.ts";

/**
 * How many bytes a variable of the environment says, in megabytes.
 *
 * @param usual how many megabytes it is unless said
 * @throws {HarnessError} `bad-input`
 */
export function bytesOf(variable: string, usual: number): number {
  const said = process.env[variable] || String(usual);
  const megabytes = Number(said);
  if (megabytes > 0) return megabytes * 2 ** 20;
  const message = `Cannot read ${variable}=${JSON.stringify(said)}: it has to be a number of megabytes above 0, such as ${usual} (which it is unless said)`;
  throw new HarnessError("bad-input", message);
}
