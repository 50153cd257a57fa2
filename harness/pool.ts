/** So many pieces of work at once; the others wait in line. */
export class Pool {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(size: number) {
    this.#free = size;
  }

  /** Does the work once its turn has come. What goes on from work that has been done comes `ahead` of what begins anew. */
  async run<T>(work: () => Promise<T>, { ahead = false }: { readonly ahead?: boolean } = {}): Promise<T> {
    await this.#turn(ahead);
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  /** Asked in the middle of work: where more than so many wait, they go first. Once: those who all give way would wait for ever. */
  async giveWay(most: number): Promise<void> {
    if (this.#waiting.length <= most) return;
    const turn = this.#turn(false);
    this.#leave();
    await turn;
  }

  async #turn(ahead: boolean): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    await new Promise<void>((resolve) => (ahead ? this.#waiting.unshift(resolve) : this.#waiting.push(resolve)));
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
