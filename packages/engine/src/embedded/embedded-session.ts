/**
 * What embedded tables, locks and batches share: who writes, under which operation id, and waiting until an answer may be given.
 *
 * 1. Nobody gets a result or a refusal before what it depends on is durable.
 */
import { xxHash32, type Random } from '@k-lani/base';
import { ByteWriter, KLaniError, OPERATION_ID_SIZE, parseOperationId, type OpcodeNumber } from '@k-lani/protocol';
import type { Database } from '../database/database.ts';
import { mayDependOnChanges } from '../database/refusal.ts';
import { firstAnswer, type DoneOperation } from '../database/operations.ts';
import { TermList } from '../index/term.ts';
import { LockOwner } from '../lock/lock-table.ts';
import type { Operation } from '../log/record.ts';
import { DatabaseRows } from './database-rows.ts';
import type { RowSource } from './table-reader.ts';

/** Options of every write. */
export interface WriteOptions {
  /**
   * 32 hexadecimal digits that name this request for good: the same request under the same id is carried out once and gets its first
   * answer again. Random unless given.
   */
  readonly operationId?: string;
}

/** A request being written: its body is what a repetition is compared by. */
export interface Request {
  readonly opcode: OpcodeNumber;
  readonly options: WriteOptions;
  /** The request's bytes; table ids stand for tables. */
  readonly body: ByteWriter;
}

export class EmbeddedSession {
  readonly owner = new LockOwner();
  readonly #database: Database;
  readonly #random: Random;
  readonly #actor: Uint8Array;
  readonly #ids = new Uint8Array(OPERATION_ID_SIZE);
  /** For the claim that is being carried out; a claim runs in one synchronous call. */
  readonly claimBody = new ByteWriter();
  /** What tables read. */
  readonly rows: RowSource = new DatabaseRows(() => this.database);
  readonly #termLists: TermList[] = [];

  constructor(database: Database, random: Random, actor: Uint8Array) {
    this.#database = database;
    this.#random = random;
    this.#actor = actor;
  }

  /** The database. @throws {KLaniError} Closed */
  get database(): Database {
    if (this.#database.isClosed) throw new KLaniError('Closed', `Cannot use the database in ${this.#database.path}: it is closed`);
    return this.#database;
  }

  /** The terms of one line of the claim that is being carried out. */
  termList(line: number): TermList {
    return (this.#termLists[line] ??= new TermList());
  }

  /**
   * Carries out a request once, however often it comes under its id.
   *
   * @param run carries it out and says what its answer is and what it depends on
   * @param again makes the answer from what the request did when it came first
   */
  async write<T>(
    request: Request,
    run: (operation: Operation) => { answer: T; dependsOn: number },
    again: (done: DoneOperation, operation: Operation) => T,
  ): Promise<T> {
    const { database } = this;
    const operation = this.#operation(request);
    let result: { answer: T; dependsOn: number };
    try {
      const done = request.options.operationId === undefined ? undefined : firstAnswer(database.state, operation);
      result = done === undefined ? run(operation) : { answer: again(done, operation), dependsOn: done.lsn };
    } catch (error) {
      await this.#settled(error);
      throw error;
    }
    await this.durable(result.dependsOn);
    return result.answer;
  }

  /** Gives what `attempt` gives; a refusal after what the refusal may have seen is durable. */
  async refusing<T>(attempt: () => T): Promise<T> {
    try {
      return attempt();
    } catch (error) {
      await this.#settled(error);
      throw error;
    }
  }

  async #settled(error: unknown): Promise<void> {
    if (mayDependOnChanges(error) && this.#database.failure === undefined) await this.durable(this.#database.lastAppended);
  }

  /** Waits until the record at `position` is durable. */
  durable(position: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#database.whenDurable(position, (error) => {
        if (error === undefined) resolve();
        else reject(error);
      });
    });
  }

  #operation({ opcode, options, body }: Request): Operation {
    const { operationId } = options;
    if (operationId !== undefined) {
      const id = parseOperationId(operationId);
      return { id, opcode, actor: this.#actor, digestChecksum: xxHash32(body.view, 0, body.length), digestLength: body.length };
    }
    this.#random.fill(this.#ids);
    return { id: this.#ids, opcode, actor: this.#actor, digestChecksum: 0, digestLength: 0 };
  }
}
