import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { copyBinaries } from "../../harness/servers/prepared.ts";

test.each([
  ["ran", true],
  ["never ran", false],
])("copied binaries need nothing of the package any more, whose install script %s", (_, linked) => {
  const folder = mkdtempSync(join(tmpdir(), "binaries-"));
  try {
    const source = join(folder, "package", "native");
    for (const name of ["bin", "lib"]) mkdirSync(join(source, name), { recursive: true });
    writeFileSync(join(source, "bin", "postgres"), "");
    writeFileSync(join(source, "lib", "libicu.so.60.2"), "the library");
    const links = [{ source: "native/lib/libicu.so.60.2", target: "native/lib/libicu.so.60" }];
    writeFileSync(join(source, "pg-symlinks.json"), JSON.stringify(links));
    if (linked) symlinkSync("libicu.so.60.2", join(source, "lib", "libicu.so.60"));
    const native = join(folder, "cache", "native");
    copyBinaries(source, native);
    rmSync(join(folder, "package"), { recursive: true });
    expect(readFileSync(join(native, "lib", "libicu.so.60"), "utf8")).toBe("the library");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
