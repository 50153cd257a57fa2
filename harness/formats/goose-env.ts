/** Values by their names, as a process finds them in its environment. */
export type Values = { readonly [name: string]: string | undefined };

/**
 * A line with `$NAME`, `${NAME}` and their like filled in, by the rules of the library that goose has for it. A name without a
 * value is empty; `$$` and `\$` are a dollar.
 *
 * @throws what the library would say of a line that it does not understand, as the message of a plain Error
 */
export function interpolated(line: string, values: Values): string {
  return expression({ line, at: 0, values }, "");
}

interface Scan {
  readonly line: string;
  at: number;
  readonly values: Values;
}

/** Text and what is to be filled in, up to the character that ends it. */
function expression(scan: Scan, stop: string): string {
  let text = "";
  while (scan.at < scan.line.length && (stop === "" || scan.line[scan.at] !== stop)) {
    const two = scan.line.slice(scan.at, scan.at + 2);
    const kept = asItStands[two];
    if (kept !== undefined) {
      text += kept;
      scan.at += 2;
    } else if (two.length === 2 && two.startsWith("$")) text += expansion(scan);
    else text += scan.line[scan.at++];
  }
  return text;
}

const asItStands: { readonly [pair: string]: string } = { "\\\\": "\\\\", "\\$": "$", $$: "$", "$(": "$(" };

function expansion(scan: Scan): string {
  scan.at++;
  if (scan.line[scan.at] !== "{") return scan.values[identifier(scan)] ?? "";
  scan.at++;
  const name = identifier(scan);
  const value = scan.values[name];
  const operator = /^(:-|[-?:}])/.exec(scan.line.slice(scan.at, scan.at + 2))?.[0];
  if (operator === undefined) throw new Error(`"${scan.line[scan.at] ?? ""}" cannot stand behind "\${${name}"`);
  scan.at += operator.length;
  if (operator === "}") return value ?? "";
  const given = operator === ":" ? upToBrace(scan) : expression(scan, "}");
  if (scan.line[scan.at] !== "}") throw new Error(`"\${${name}" is not closed`);
  scan.at++;
  if (operator === ":") return part(value ?? "", given);
  if (operator === "?" && value === undefined) throw new Error(`$${name}: ${given === "" ? "not set" : given}`);
  if (operator === ":-") return value === undefined || value === "" ? given : value;
  return value ?? given;
}

function identifier(scan: Scan): string {
  const name = /^\p{L}[\p{L}\p{N}_]*/u.exec(scan.line.slice(scan.at))?.[0];
  if (name === undefined) throw new Error(`"${scan.line[scan.at] ?? ""}" begins no name of a variable`);
  scan.at += name.length;
  return name;
}

function upToBrace(scan: Scan): string {
  const end = scan.line.indexOf("}", scan.at);
  const text = scan.line.slice(scan.at, end < 0 ? undefined : end);
  scan.at += text.length;
  return text;
}

/** `2:3` of a value: where it begins, counted from the end if negative, and how long it is, or how far from the end it stops. */
function part(value: string, range: string): string {
  const [from, length] = range.split(":").map((number) => {
    if (!/^\s*[+-]?\d+\s*$/.test(number)) throw new Error(`"${number}" is no number`);
    return Number(number);
  });
  const start = Math.max((from ?? 0) < 0 ? value.length + (from ?? 0) : (from ?? 0), 0);
  if (length === undefined) return value.slice(start);
  return value.slice(start, Math.max(length < 0 ? value.length + length : start + length, start));
}
