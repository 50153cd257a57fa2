import type { Readable, Writable } from "node:stream";

/** What git holds under a hash. */
export interface GitObject {
  readonly hash: string;
  readonly type: string;
  readonly size: number;
  readonly content: Buffer;
}

/** A process that answers what it is asked; `ended` comes with what to tell those that still wait. */
export interface Talking {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly ended: Promise<Error>;
}

/** `git cat-file` answers one question after another; it is started when there is one, and ends when there is none left. */
export class Conversation {
  readonly #start: () => Promise<Talking>;
  readonly #withContent: boolean;
  #talking: Promise<Talking> | undefined;
  #ending: NodeJS.Timeout | undefined;
  #waiting: Waiting[] = [];
  #chunks: Buffer[] = [];
  #held = 0;
  /** Bytes to wait for before it is worth looking. */
  #wanted = 1;

  constructor(start: () => Promise<Talking>, { withContent }: { readonly withContent: boolean }) {
    this.#start = start;
    this.#withContent = withContent;
  }

  async ask(name: string): Promise<GitObject | undefined> {
    // A line is a question; what git could be asked for under such a name is never what is looked for.
    if (name.includes("\n")) return undefined;
    clearTimeout(this.#ending);
    this.#talking ??= this.#begin();
    const answer = new Promise<GitObject | undefined>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    // Whoever asks hears it by the answer.
    this.#talking.then(({ stdin }) => stdin.write(`${name}\n`)).catch(() => {});
    return answer;
  }

  #begin(): Promise<Talking> {
    const talking = this.#start();
    const failed = (error: unknown) => {
      // One that was asked to end has answered everything.
      if (this.#talking !== talking) return;
      this.#talking = undefined;
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    };
    talking
      .then(({ stdin, stdout, ended }) => {
        stdin.on("error", () => {});
        stdout.on("data", (chunk: Buffer) => this.#take(chunk));
        return ended.then(failed);
      })
      .catch(failed);
    return talking;
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    while (this.#held >= this.#wanted) {
      const [first] = this.#chunks;
      const all = this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks);
      const answer = answerIn(all, this.#withContent);
      this.#chunks = [all.subarray(answer.bytes)];
      this.#held = all.length - answer.bytes;
      this.#wanted = answer.wanted;
      if (answer.wanted > 1) return;
      this.#waiting.shift()?.resolve(answer.object);
    }
    if (this.#waiting.length === 0) this.#ending = setTimeout(() => this.#end(), 50);
  }

  #end(): void {
    const ending = this.#talking;
    this.#talking = undefined;
    ending?.then(({ stdin }) => stdin.end()).catch(() => {});
  }
}

interface Waiting {
  readonly resolve: (object: GitObject | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** The answer with which some bytes begin; `wanted`: how many there must be before it is whole. */
function answerIn(bytes: Buffer, withContent: boolean) {
  const end = bytes.indexOf(10);
  if (end < 0) return { bytes: 0, wanted: bytes.length + 1 };
  const head = bytes.toString("utf8", 0, end);
  const [, hash = "", type = "", length = ""] = /^([0-9a-f]{40,64}) (\w+) (\d+)$/.exec(head) ?? [];
  // Where a link leads out of the commit, or nowhere, that is told in a line of so many bytes.
  const aside = /^(?:dangling|loop|notdir|symlink) (\d+)$/.exec(head)?.[1];
  const size = aside ?? (withContent && hash !== "" ? length : undefined);
  const whole = size === undefined ? end + 1 : end + 1 + Number(size) + 1;
  if (bytes.length < whole) return { bytes: 0, wanted: whole };
  if (hash === "") return { bytes: whole, wanted: 1 };
  const content = withContent ? Buffer.from(bytes.subarray(end + 1, whole - 1)) : Buffer.alloc(0);
  return { bytes: whole, wanted: 1, object: { hash, type, size: Number(length), content } };
}
