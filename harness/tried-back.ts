import { allTheWayBack, backAndForth } from "./back.ts";
import { HarnessError, orWhyNot } from "./errors.ts";
import type { State } from "./plan.ts";
import type { From, Standing } from "./standing.ts";
import { overdue, type StepOptions } from "./step.ts";
import { within } from "./time-limit.ts";
import type { Finding } from "./verdict.ts";

/** Takes the hop that was just made back and makes it again; where paths end, all that they have run. */
export async function triedBack(state: State, at: Standing, from: From, options: StepOptions): Promise<Standing> {
  const { step } = state;
  if (step.kind !== "start" || at.failed) return at;
  const applied = (at.hops.at(-1)?.migrations ?? []).map(({ name }) => name);
  const { release, last } = step;
  const again = async () => (await from.arrive()).sandbox;
  const hop = { before: from.before, again, at, release, last, applied };
  const late = () => overdue(`Cannot take ${release.name} back`, at.sandbox, options);
  const trying = async () => {
    const one = await backAndForth(hop, options);
    // The way of a single hop has been gone already.
    const whole =
      state.ends.length > 0 && at.hops.length > 1 ? await allTheWayBack(at, options, one.findings) : nothing;
    return { findings: [...one.findings, ...whole.findings], notes: [...one.notes, ...whole.notes] };
  };
  const said = await orWhyNot(within(options.timeout * 4, trying(), late));
  if (said instanceof HarnessError) return { ...at, unjudged: said };
  const isNews = (note: Finding) =>
    !at.notes.some((known) => known.code === note.code && known.message === note.message);
  const notes = [...at.notes, ...said.notes.filter(isNews)];
  return step.last === undefined
    ? { ...at, ofInstall: [...at.ofInstall, ...said.findings], notes }
    : { ...at, findings: [...at.findings, ...said.findings], notes };
}

const nothing = { findings: [], notes: [] } as const;
