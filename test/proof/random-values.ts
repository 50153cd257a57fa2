/** Numbers below one, the same ones for the same seed. */
export type Random = () => number;

export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The storage engines that tables are made of where a server has them. */
export const engines = ["InnoDB", "MyISAM", "MEMORY", "ARCHIVE", "CSV", "Aria"];

export const names = [
  "plain",
  "two words",
  "back`tick",
  "quo'te\"s",
  "dot.ted",
  "1digit",
  "ünï",
  "per%cent_",
  "select",
  "back\\slash",
  "日本",
  "a-b",
  "`lead",
  "$dollar",
  "#hash",
];

export const kinds: readonly { readonly name: string; readonly type: string; readonly values: readonly string[] }[] = [
  { name: "word", type: "varchar(40)", values: ["''", "'it''s'", "' pad '", "'ABC'", "'x\\\\y'"] },
  { name: "long `text`", type: "text character set utf8mb4", values: ["''", "repeat('é😀', 300)", "'a\\0b'"] },
  { name: "bytes", type: "blob", values: ["x'00ff'", "''", "repeat(x'80', 9000)"] },
  { name: "exact", type: "decimal(30,10)", values: ["0", "-12345678901234567890.0123456789"] },
  { name: "real", type: "double", values: ["0", "1e-300", "-1.7976931348623157e308", "0.1"] },
  { name: "single", type: "float", values: ["0.1", "16777216"] },
  { name: "day", type: "date", values: ["'0000-00-00'", "'2024-02-29'", "'9999-12-31'", "'2024-00-00'"] },
  { name: "moment", type: "datetime(6)", values: ["'0000-00-00'", "'2024-03-31 02:30:00.123456'"] },
  { name: "stamp", type: "timestamp(3) null", values: ["'1970-01-01 00:00:01'", "'2037-10-25 02:30:00.5'"] },
  { name: "span", type: "time(6)", values: ["'-838:59:59'", "'00:00:00.000001'"] },
  { name: "year", type: "year", values: ["0", "2155"] },
  { name: "bits", type: "bit(9)", values: ["b'101010101'", "0"] },
  { name: "choice", type: "enum('a','b''c','')", values: ["'a'", "'b''c'", "0"] },
  { name: "choices", type: "set('x','y,z')".replace("y,z", "y z"), values: ["''", "'x,y z'"] },
  { name: "doc", type: "json", values: ["'{\"a\": [1, null]}'", "'[]'"] },
];
