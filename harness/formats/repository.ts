import { fileURLToPath } from "node:url";
import { HarnessError, messageOf } from "../errors.ts";
import { Conversation, type GitObject } from "./cat-file.ts";

/** A git repository: a work tree's, or a bare one. It is only read, and nothing is checked out. */
export interface Repository {
  /** As messages show it. */
  readonly path: string;
  /** Where in the work tree we were pointed at, `server/` or nothing: folders are named from there. */
  readonly prefix: string;
  /** It has no work tree. */
  readonly bare: boolean;
  /** It may lack tags, and what older ones held. */
  readonly shallow: boolean;
  /** What git says when it is run there with these arguments. */
  run(args: readonly string[]): Promise<string>;
  /** An object by its name: a hash, or `<hash>:<path>`, with links followed. `undefined` where there is none. */
  object(name: string): Promise<GitObject | undefined>;
  /** The same without its content. */
  facts(name: string): Promise<Omit<GitObject, "content"> | undefined>;
  /** A file's bytes, for those too large to be held. */
  stream(hash: string): AsyncIterable<Buffer>;
}

/**
 * The repository that a folder is, or belongs to.
 *
 * @throws {HarnessError} `bad-input` where there is none, or no git to read it with
 */
export async function repositoryAt(where: URL | string): Promise<Repository> {
  const path = typeof where === "string" ? where : fileURLToPath(where);
  const run = (args: readonly string[]) => output(path, args);
  const asked = ["rev-parse", "--is-shallow-repository", "--is-bare-repository", "--show-prefix"];
  const [shallow, bare, prefix = ""] = (await run(asked)).split("\n");
  const talk = (mode: string) => () => talking(path, ["cat-file", mode, "--follow-symlinks"]);
  const contents = new Conversation(talk("--batch"), { withContent: true });
  const facts = new Conversation(talk("--batch-check"), { withContent: false });
  const object = remembering((name) => contents.ask(name));
  return {
    path,
    prefix,
    shallow: shallow === "true",
    bare: bare === "true",
    run,
    object,
    facts: (name) => facts.ask(name),
    async *stream(hash) {
      const { size = 0 } = (await facts.ask(hash)) ?? {};
      // A process for each small file of each tag would take longer than all the rest.
      const held = size < small ? await object(hash) : undefined;
      if (held === undefined) yield* streamed(path, hash);
      else yield held.content;
    },
  };
}

const small = 2 ** 20;

/** A file that did not change is the same object under every tag: most of them are read once. */
function remembering(ask: (name: string) => Promise<GitObject | undefined>): typeof ask {
  const known = new Map<string, GitObject>();
  let held = 0;
  return async (name) => {
    const object = known.get(name) ?? (await ask(name));
    if (object === undefined || known.has(name) || object.hash !== name) return object;
    if (held + object.size > 64 * 2 ** 20) return object;
    held += object.size;
    known.set(name, object);
    return object;
  };
}

async function output(path: string, args: readonly string[]): Promise<string> {
  const { execa } = await import("execa");
  const { failed, cause, stdout, stderr } = await execa("git", ["-C", path, ...args], {
    reject: false,
    extendEnv: false,
    env: surroundings(),
    stdin: "ignore",
    stripFinalNewline: false,
  });
  if (failed) throw unreadable(path, { cause, stderr });
  return stdout;
}

async function* streamed(path: string, hash: string): AsyncGenerator<Buffer> {
  const { stdout, ended, child } = await talking(path, ["cat-file", "blob", hash]);
  try {
    for await (const chunk of stdout) yield chunk as Buffer;
    const error = await ended;
    if ((await child).failed) throw error;
  } finally {
    // Whoever reads may have had enough of it.
    child.kill();
  }
}

async function talking(path: string, args: readonly string[]) {
  const { execa } = await import("execa");
  const child = execa("git", ["-C", path, ...args], {
    reject: false,
    extendEnv: false,
    env: surroundings(),
    stdin: "pipe",
    buffer: { stdout: false, stderr: true },
  });
  const ended = child.then(({ cause, stderr }) => unreadable(path, { cause, stderr }));
  return { child, stdin: child.stdin, stdout: child.stdout, ended };
}

/** Inside a hook, git's own variables name another repository; and nothing is to be fetched while we read. */
function surroundings(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^GIT_(?!CONFIG|EXEC_PATH|CEILING)/.test(name));
  return { ...Object.fromEntries(own), LC_ALL: "C", GIT_OPTIONAL_LOCKS: "0", GIT_NO_LAZY_FETCH: "1" };
}

function unreadable(path: string, { cause, stderr }: { readonly cause: unknown; readonly stderr: string }): Error {
  const said = stderr.trim().replace(/^fatal: /, "");
  const known: readonly (readonly [RegExp, string])[] = [
    [/not a git repository/, "it is no git repository (name a work tree's folder, or a bare repository)"],
    [/No such file or directory|Not a directory/, "there is no such folder"],
    [
      /dubious ownership/,
      `it belongs to another user, and git refuses to read it (git config --global --add safe.directory "${path}")`,
    ],
    [/^spawn git ENOENT$/, "there is no git on this machine (install git, or put it on the PATH)"],
  ];
  const failure = said === "" && cause !== undefined ? messageOf(cause) : said;
  const why =
    known.find(([looks]) => looks.test(failure))?.[1] ??
    (failure === "" ? "git ended without an answer" : `git says "${failure.split("\n")[0]}"`);
  return new HarnessError("bad-input", `Cannot read repository "${path}": ${why}`, { cause });
}
