import { describe, expect, test } from "vitest";
import { theirs } from "../../harness/tools/theirs.ts";
import { type Files, inProject } from "./driving.ts";

const library = (name: string, manifest: object, code: string): Files => ({
  [`node_modules/${name}/package.json`]: JSON.stringify({ name, ...manifest }),
  [`node_modules/${name}/main.js`]: code,
});

const files: Files = {
  ...library("old", { main: "main.js" }, "module.exports = { is: () => 'CommonJS' }"),
  ...library("new", { type: "module", exports: { import: "./main.js" } }, "export const is = () => 'a module';"),
  ...library("@some/scoped", { exports: { ".": "./main.js" } }, "exports.is = () => 'scoped';"),
  ...library("sick", { main: "main.js" }, "throw new Error('no such device')"),
};

const asked = (name: string, from?: string) =>
  inProject(
    files,
    async (folder) => {
      const wanting = { tool: "Some Tool", folder, from };
      const told = theirs<{ is(): string }>(name, wanting).then(({ is }) => is());
      return told.catch(({ message }: Error) => message.replaceAll(folder, "…"));
    },
    false,
  );

describe("theirs()", () => {
  test("loads what the product has, whatever kind of module it is", async () => {
    expect(await asked("old")).toBe("CommonJS");
    expect(await asked("new")).toBe("a module");
    expect(await asked("@some/scoped")).toBe("scoped");
  });

  test("says which library is not installed, and how it gets there", async () => {
    expect(await asked("missing")).toBe(
      'Cannot drive Some Tool: "missing" is not installed in "…" (npm install missing)',
    );
    expect(await asked("@not/here/inside")).toBe(
      'Cannot drive Some Tool: "@not/here" is not installed in "…" (npm install @not/here)',
    );
    expect(await asked("old", "/no/where")).toBe(
      'Cannot drive Some Tool: "old" is not installed in "/no/where" (npm install old)',
    );
  });

  test("says that an installed library has no such part, or does not load", async () => {
    expect(await asked("@some/scoped/inside")).toBe(
      'Cannot drive Some Tool: the "@some/scoped" that is installed has no "@some/scoped/inside" (install a version that has)',
    );
    expect(await asked("sick")).toBe(
      'Cannot drive Some Tool: "…/node_modules/sick/main.js" does not load: no such device',
    );
  });

  test("looks in the working folder where the migrations' own has none", async () => {
    expect(typeof (await theirs("kysely", { tool: "Kysely", folder: "/no/where" })).Kysely).toBe("function");
  });
});
