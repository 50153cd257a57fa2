import { expectationFor } from "../refusals.ts";
import { toldOf } from "../rehearsal.ts";
import { nameOf, type Scenario, type UpgradePath } from "../scenario.ts";
import { pathsOf, type Selection } from "../selection.ts";
import { type ExpectedFinding, inShort } from "../verdict.ts";
import { numberOf, pathInWords } from "./pretty.ts";

/** A scenario's table (path, data) → verdict, as Markdown; of all its paths, unless some were chosen. */
export function markdown(scenario: Scenario, paths: readonly Selection[] = pathsOf(scenario)): string {
  const { engines } = scenario;
  const rows = paths.map(({ name, path }) => {
    const verdicts = engines.map((engine) => {
      const expected = (path.engines?.includes(engine) ?? true) && expectationFor(path.expect, engine);
      if (!expected) return "";
      if (expected.outcome === "clean") return "clean";
      return expected.findings.map((wanted) => inCell(wanted, wanted[engine] ?? wanted.exception, path)).join(", ");
    });
    return [numberOf({ name }), pathInWords(toldOf(path)), ...verdicts];
  });
  const head = ["", `\`${nameOf(scenario)}\``, ...engines];
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Where a path breaks before its end, the release is told. */
function inCell(wanted: ExpectedFinding, error: string | number | undefined, { to }: UpgradePath): string {
  const at = wanted.release === undefined || wanted.release === to ? "" : ` at ${wanted.release}`;
  return `${inShort(wanted, error)}${at}`;
}
