/**
 * Write transactions: alone and at once, or those of one turn of the loop in one commit.
 *
 * 1. What a transaction gives is told after the commit it is in.
 * 2. One that throws takes the others of its commit with it.
 * 3. Answers come in the next turn of the loop: callers that go on at once would leave no turn to anybody else.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';

interface Waiting {
  run(): void;
  answer(): void;
  fail(error: unknown): void;
}

export class Transactions {
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #rollback: StatementSync;
  readonly #isBatched: boolean;
  #waiting: Waiting[] = [];

  constructor(database: DatabaseSync, isBatched: boolean) {
    this.#begin = database.prepare('BEGIN IMMEDIATE');
    this.#commit = database.prepare('COMMIT');
    this.#rollback = database.prepare('ROLLBACK');
    this.#isBatched = isBatched;
  }

  /** Resolves with what `work` gives when it is durable. */
  run<Result>(work: () => Result): Promise<Result> {
    return this.#isBatched ? this.#runLater(work) : new Promise((resolve) => void setImmediate(resolve, this.runNow(work)));
  }

  runNow<Result>(work: () => Result): Result {
    this.#begin.run();
    try {
      const result = work();
      this.#commit.run();
      return result;
    } catch (error) {
      this.#rollback.run();
      throw error;
    }
  }

  #runLater<Result>(work: () => Result): Promise<Result> {
    if (this.#waiting.length === 0) setImmediate(() => this.#runAll());
    return new Promise((resolve, reject) => {
      let result: Result;
      this.#waiting.push({ run: () => void (result = work()), answer: () => resolve(result), fail: reject });
    });
  }

  #runAll(): void {
    const all = this.#waiting;
    this.#waiting = [];
    try {
      this.runNow(() => {
        for (const one of all) one.run();
      });
    } catch (error) {
      for (const one of all) one.fail(error);
      return;
    }
    for (const one of all) one.answer();
  }
}
