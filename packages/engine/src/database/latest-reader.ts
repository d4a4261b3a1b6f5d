/** Reads of the visible state, and of single rows in their latest state, as only the writer knows it. */
import { NONE } from '../memory/none.ts';
import type { StoredTable } from '../table/stored-table.ts';
import { Reader } from './reader.ts';
import type { State } from './state.ts';

export class LatestReader extends Reader {
  readonly #state: State;

  constructor(state: State) {
    super(state);
    this.#state = state;
  }

  /** As `seek`, of the latest version, which may not be durable: answer after `latestDependsOn`. */
  seekLatest(table: StoredTable, rowId: number): number {
    const position = this.#state.latestPosition(table.id, rowId);
    return position > 0 ? this.#state.log.record(position) : NONE;
  }

  /** The position that an answer from the row's latest state depends on; 0 when that is the visible state. */
  latestDependsOn(table: StoredTable, rowId: number): number {
    return Math.abs(this.#state.overlay(table.id).get(rowId));
  }
}
