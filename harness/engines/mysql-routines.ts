import type { Definition, Row } from "../snapshot.ts";
import { literal } from "./mysql-text.ts";

/** Routines, packages and events with all that decides what they do; who made them does not. */
export function routinesOf([routines = [], parameters = [], events = []]: readonly (readonly Row[])[]): Definition[] {
  return [...routines.map((routine) => routineOf(routine, parameters)), ...events.map(eventOf)];
}

function routineOf(routine: Row, parameters: readonly Row[]): Definition {
  const { name, specific, type, returns, body } = routine;
  const own = parameters.filter((parameter) => parameter.routine === specific && parameter.type === type);
  const list = own.map(({ mode, name, dtd }) => (mode === "IN" ? `${name} ${dtd}` : `${mode} ${name} ${dtd}`));
  const facts = [
    `(${list.join(", ")})`,
    ...(returns === null || returns === "" ? [] : [`returns ${returns}`]),
    ...(routine.deterministic === "YES" ? ["deterministic"] : []),
    String(routine.access).toLowerCase(),
    ...(routine.security === "INVOKER" ? ["sql security invoker"] : []),
  ];
  // A procedure may have the name of a function.
  return { name: `${String(type).toLowerCase()} ${name}`, definition: written(facts, routine, body) };
}

function eventOf(event: Row): Definition {
  const { name, type, amount, unit, starts, ends, status, completion, zone, body } = event;
  const facts = [
    // The one moment is mostly told as so long after it was created, and is another one each time.
    type === "RECURRING" ? `every ${amount} ${String(unit).toLowerCase()}` : "once",
    ...(starts === null ? [] : [`starts ${starts}`]),
    ...(ends === null ? [] : [`ends ${ends}`]),
    `on completion ${String(completion).toLowerCase()}`,
    String(status).toLowerCase(),
    `time_zone ${literal(String(zone))}`,
  ];
  return { name: `event ${name}`, definition: written(facts, event, body) };
}

function written(facts: readonly string[], { mode, comment }: Row, body: unknown): string {
  const said = comment === "" ? [] : [`comment ${literal(String(comment))}`];
  return `${[...facts, ...said, `sql_mode ${literal(String(mode))}`].join(" ")}\n${bodyOf(body)}`;
}

/** MySQL keeps the semicolon behind a body if more statements were sent with it. */
export function bodyOf(told: unknown): string {
  return String(told).replace(/[;\s]+$/, "");
}
