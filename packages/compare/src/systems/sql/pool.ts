/** Connections that callers borrow, each for one transaction; who finds none free waits in order. */
export class Pool<Connection> {
  readonly all: readonly Connection[];
  readonly #free: Connection[];
  readonly #waiting: ((connection: Connection) => void)[] = [];
  #next = 0;

  /** @param all at least one */
  constructor(all: readonly Connection[]) {
    this.all = all;
    this.#free = [...all];
  }

  get first(): Connection {
    const [first] = this.all;
    if (first === undefined) throw new Error('Cannot use pool: it has no connections');
    return first;
  }

  /** One after the other, whether or not somebody has borrowed it: for clients that take many requests at once. */
  get next(): Connection {
    this.#next = (this.#next + 1) % this.all.length;
    return this.all[this.#next] ?? this.first;
  }

  async borrow(): Promise<Connection> {
    return this.#free.pop() ?? new Promise((resolve) => this.#waiting.push(resolve));
  }

  giveBack(connection: Connection): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(connection);
    else next(connection);
  }

  /** Borrows a connection for as long as `work` takes. */
  async use<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> {
    const connection = this.#free.pop() ?? (await this.borrow());
    try {
      return await work(connection);
    } finally {
      this.giveBack(connection);
    }
  }
}
