/** Follows BEGIN … END and their like through one statement: inside of a body, semicolons end nothing. */
export interface MysqlBlocks {
  /** Whether a word that is still to come may change anything. */
  matter(): boolean;
  /** A word or a sign; a string is told as its quote. */
  take(word: string): void;
  /** Whether a semicolon would end the statement here. */
  closed(): boolean;
}

const objects =
  /^(TABLE|VIEW|INDEX|DATABASE|SCHEMA|USER|ROLE|SEQUENCE|SERVER|PROCEDURE|FUNCTION|TRIGGER|EVENT|PACKAGE)$/;
const objectsWithBodies = /^(PROCEDURE|FUNCTION|TRIGGER|EVENT|PACKAGE)$/;
const blockWords = /^(IF|CASE|LOOP|WHILE|REPEAT|FOR)$/;
/** Behind these a statement begins, wherever it stands in a body. */
const beforeStatement = /^(;|:|THEN|ELSE|DO|BEGIN|LOOP|REPEAT)$/;
/** Behind these, the one statement that is a routine or a trigger. */
const beforeBody = /^(\)|ROW|SQL|DATA|DETERMINISTIC|INVOKER|DEFINER|')$/;
/** Behind these, BEGIN is somebody's name. */
const beforeName = /^(\.|,|\(|AS|SELECT|=)$/;
/** A CASE that is part of an expression: whatever stands in it, its END ends it. */
const caseOfValues = "CASE … END";

export function mysqlBlocks(): MysqlBlocks {
  const open: string[] = [];
  let body: boolean | undefined;
  let previous = "";
  let held: string | undefined;

  const begins = () => beforeStatement.test(previous) || (open.length === 0 && beforeBody.test(previous));

  /** Whether this statement has a body; `undefined` until it can be told. */
  function hasBody(word: string, next: string): boolean | undefined {
    if (previous !== "") return objects.test(word) ? objectsWithBodies.test(word) : undefined;
    if (word === "CREATE" || word === "ALTER") return undefined;
    // MariaDB alone knows blocks outside of routines.
    const isBlock = blockWords.test(word) || (word === "BEGIN" && next === "NOT");
    if (isBlock) open.push(word);
    return isBlock;
  }

  function follow(word: string, next: string): void {
    const innermost = open.at(-1);
    if (innermost === caseOfValues) {
      if (word === "END") open.pop();
      else if (word === "CASE") open.push(caseOfValues);
    } else if (word === "END") {
      if (innermost !== undefined && (begins() || next === innermost)) open.pop();
    } else if (word === "BEGIN") {
      if (!beforeName.test(previous)) open.push(word);
    } else if (word === "CASE") {
      if (previous !== "END") open.push(begins() ? word : caseOfValues);
    } else if (blockWords.test(word) && begins() && !(word === "REPEAT" && next === "(")) {
      open.push(word);
    }
  }

  // What a word does may depend on the word behind it.
  function take(next: string): void {
    if (held !== undefined) {
      if (body === undefined) body = hasBody(held, next);
      else if (body) follow(held, next);
      previous = held;
    }
    held = next;
  }

  return {
    matter: () => body !== false,
    take,
    closed() {
      if (body !== false) take(";");
      return open.length === 0;
    },
  };
}
