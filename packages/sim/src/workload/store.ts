/** The database as workloads use it, in the process or over a connection; every call is written down. */
import { EmbeddedDatabase, type EmbeddedLock, type EmbeddedTable } from '@k-lani/engine';
import type { DynamicSchema, TableSchema } from '@k-lani/protocol';
import type { Client, RemoteLock, RemoteTable } from 'k-lani-client';
import type { Answers, Row, SeenRow, SimChange, SimLine, SimTerm } from '../record/call.ts';
import type { Recorder } from '../record/recorder.ts';
import type { EventOwner } from '../world/timeline.ts';

type AnyTable = EmbeddedTable<DynamicSchema> | RemoteTable<DynamicSchema>;
type AnyLock = EmbeddedLock<DynamicSchema> | RemoteLock<DynamicSchema>;
type Term = Parameters<AnyTable['count']>[0] extends readonly (infer T)[] | undefined ? T : never;

/** Who asks: the process that its code runs in, and its name in the history. */
export interface Asker {
  readonly owner: EventOwner;
  readonly worker: string;
}

export class Store {
  readonly #database: EmbeddedDatabase | Client;
  readonly #recorder: Recorder;
  readonly #tables = new Map<string, AnyTable>();

  constructor(database: EmbeddedDatabase | Client, recorder: Recorder) {
    this.#database = database;
    this.#recorder = recorder;
  }

  /** Opens a table, making or altering it where the stored one is older. */
  async open(asker: Asker, schema: TableSchema): Promise<void> {
    const { table, version } = schema;
    await this.#recorder.call(asker, 'table', { table, version }, async () => {
      const database = this.#database;
      await database.table(schema);
      this.#tables.set(table, await database.openTable(table));
    });
  }

  /** Takes a table over to a version of its schema with more fields. */
  async alter(asker: Asker, schema: TableSchema): Promise<void> {
    const { table, version } = schema;
    await this.#recorder.call(asker, 'table', { table, version }, async () => {
      await this.#database.alterTable(schema);
      this.#tables.set(table, await this.#database.openTable(table));
    });
  }

  append(asker: Asker, table: string, row: Row, operationId: string): Promise<Answers['append']> {
    return this.#recorder.call(asker, 'append', { table, row, operationId }, () => this.#table(table).append(row, { operationId }));
  }

  replace(
    asker: Asker,
    name: { table: string; rowId: number; ifVersion: number },
    row: Row,
    operationId: string,
  ): Promise<Answers['replace']> {
    const { table, rowId, ifVersion } = name;
    const request = { table, rowId, ifVersion, token: 0n, unlock: false, row, operationId };
    return this.#recorder.call(asker, 'replace', request, () => this.#table(table).replace(rowId, row, { ifVersion, operationId }));
  }

  delete(asker: Asker, name: { table: string; rowId: number; ifVersion: number }, operationId: string): Promise<Answers['delete']> {
    const { table, rowId, ifVersion } = name;
    const request = { table, rowId, ifVersion, token: 0n, unlock: false, operationId };
    return this.#recorder.call(asker, 'delete', request, () => this.#table(table).delete(rowId, { ifVersion, operationId }));
  }

  claim(asker: Asker, lines: readonly SimLine[], operationId: string): Promise<Answers['claim']> {
    return this.#recorder.call(asker, 'claim', { lines, operationId }, () => {
      const database = this.#database;
      const sources = lines.map(({ table, where, set, count }) => ({ where: where as Term[], set, count, table: this.#table(table) }));
      return database instanceof EmbeddedDatabase
        ? database.claim(sources as Parameters<EmbeddedDatabase['claim']>[0], { operationId })
        : database.claim(sources as Parameters<Client['claim']>[0], { operationId });
    });
  }

  batch(asker: Asker, changes: readonly SimChange[], operationId: string): Promise<Answers['batch']> {
    return this.#recorder.call(asker, 'batch', { changes, operationId }, () => {
      const build = (batch: BatchBuilder): void => {
        for (const change of changes) addChange(batch, this.#table(change.table), change);
      };
      return this.#database.batch((batch) => build(batch), { operationId });
    });
  }

  async seek(asker: Asker, table: string, rowId: number): Promise<SeenRow | undefined> {
    return this.#recorder.call(asker, 'seek', { table, rowId }, async () => seen(await this.#table(table).seek(rowId)));
  }

  query(asker: Asker, table: string, terms: readonly SimTerm[], options: { limit: number; spread: number }): Promise<readonly number[]> {
    const request = { table, terms, limit: options.limit };
    return this.#recorder.call(asker, 'query', request, () => this.#table(table).queryIntersect(terms as Term[], options));
  }

  count(asker: Asker, table: string, terms: readonly SimTerm[]): Promise<number> {
    return this.#recorder.call(asker, 'count', { table, terms }, () => this.#table(table).count(terms as Term[]));
  }

  /** Every row of one snapshot, in pages of `pageRows`. */
  /** With `linger`, which is called after each page, the world goes on between the pages. */
  scan(asker: Asker, table: string, { pageRows, linger }: { pageRows: number; linger?: () => Promise<void> }): Promise<readonly SeenRow[]> {
    return this.#recorder.call(asker, 'scan', { table }, async () => {
      const rows: SeenRow[] = [];
      const take = (row: Parameters<typeof seen>[0]): boolean => rows.push(seen(row) as SeenRow) % pageRows === 0;
      const scan = this.#table(table).scan({ pageRows });
      // In the process a scan is no matter of promises, which may be many for one event.
      if (Symbol.iterator in scan) {
        for (const row of scan) if (take(row) && linger !== undefined) await linger();
      } else {
        for await (const row of scan) if (take(row)) await linger?.();
      }
      return rows;
    });
  }

  history(asker: Asker, table: string, rowId: number): Promise<Answers['history']> {
    return this.#recorder.call(asker, 'history', { table, rowId }, async () => {
      const versions = await this.#table(table).history(rowId, { limit: 1000 });
      return versions.map(({ version, lsn, operationId, row }) => ({ version, lsn, operationId, row: row as Row | null }));
    });
  }

  /** Locks a row; `undefined` when somebody else has it. */
  async lock(asker: Asker, table: string, rowId: number, leaseMs: number): Promise<StoreLock | undefined> {
    let lock: AnyLock | undefined;
    await this.#recorder.call(asker, 'lock', { table, rowId, leaseMs }, async () => {
      lock = await this.#table(table).tryLock(rowId, { leaseMs });
      return lock === undefined ? undefined : { token: lock.token, leaseMs: lock.leaseMs };
    });
    return lock === undefined ? undefined : new StoreLock(this.#recorder, table, lock);
  }

  status(asker: Asker, operationId: string): Promise<Answers['status']> {
    return this.#recorder.call(asker, 'status', { operationId }, () => this.#database.operationStatus(operationId));
  }

  checkpoint(asker: Asker): Promise<Answers['checkpoint']> {
    return this.#recorder.call(asker, 'checkpoint', { mark: true }, () => this.#database.checkpoint());
  }

  #table(name: string): AnyTable {
    const table = this.#tables.get(name);
    if (table === undefined) throw new Error(`Table ${name} is not open`);
    return table;
  }
}

/** A lock of a row. */
export class StoreLock {
  readonly table: string;
  readonly #recorder: Recorder;
  readonly #lock: AnyLock;

  constructor(recorder: Recorder, table: string, lock: AnyLock) {
    this.#recorder = recorder;
    this.table = table;
    this.#lock = lock;
  }

  get rowId(): number {
    return this.#lock.rowId;
  }

  seek(asker: Asker): Promise<SeenRow | undefined> {
    const { table, rowId } = this;
    return this.#recorder.call(asker, 'lockedSeek', { table, rowId, token: this.#lock.token }, async () => seen(await this.#lock.seek()));
  }

  replace(asker: Asker, row: Row, { unlock, operationId }: { unlock: boolean; operationId: string }): Promise<Answers['replace']> {
    const lock = this.#lock;
    const request = { table: this.table, rowId: this.rowId, ifVersion: 0, token: lock.token, unlock, row, operationId };
    return this.#recorder.call(asker, 'replace', request, () =>
      unlock ? lock.replaceAndUnlock(row, { operationId }) : lock.replace(row, { operationId }),
    );
  }

  unlock(asker: Asker): Promise<void> {
    const { table, rowId } = this;
    return this.#recorder.call(asker, 'unlock', { table, rowId, token: this.#lock.token }, () => this.#lock.unlock());
  }
}

/** What the batches of both have in common. */
interface BatchBuilder {
  append(table: AnyTable, row: Row): void;
  replace(table: AnyTable, rowId: number, row: Row, guard: { ifVersion: number }): void;
  delete(table: AnyTable, rowId: number, guard: { ifVersion: number }): void;
}

function addChange(batch: BatchBuilder, table: AnyTable, change: SimChange): void {
  if (change.kind === 'append') batch.append(table, change.row);
  else if (change.kind === 'replace') batch.replace(table, change.rowId, change.row, { ifVersion: change.ifVersion });
  else batch.delete(table, change.rowId, { ifVersion: change.ifVersion });
}

function seen(row: { rowId: number; version: number; lsn: number; row: unknown } | undefined): SeenRow | undefined {
  return row === undefined ? undefined : { rowId: row.rowId, version: row.version, lsn: row.lsn, row: row.row as Row };
}
