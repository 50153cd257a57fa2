import { expectationFor } from "../refusals.ts";
import { toldOf } from "../rehearsal.ts";
import { nameOf, type Scenario } from "../scenario.ts";
import { pathsOf } from "../selection.ts";
import { expectationInWords } from "../verdict.ts";
import { numberOf, pathInWords } from "./pretty.ts";

/** A scenario's table (path, data) → verdict, as Markdown. */
export function markdown(scenario: Scenario): string {
  const { engines } = scenario;
  const rows = pathsOf(scenario).map(({ name, path }) => {
    const verdicts = engines.map((engine) => {
      const expected = (path.engines?.includes(engine) ?? true) && expectationFor(path.expect, engine);
      return expected ? expectationInWords(expected, engine).replace(/^broken \((.*)\)$/, "$1") : "";
    });
    return [numberOf({ name }), pathInWords(toldOf(path)), ...verdicts];
  });
  const head = ["", `\`${nameOf(scenario)}\``, ...engines];
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
