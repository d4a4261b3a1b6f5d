/** The cursors that are open: each keeps what its snapshot needs from being given up. */
import { KLaniError } from '@k-lani/protocol';

/** Most cursors of one database. */
const CURSORS_MAX = 65_536;

/** What a cursor holds on to. */
export interface OpenCursor {
  /** Its snapshot: everything before this position. */
  readonly lsn: number;
  /** Whether it was left for too long, and will give nothing more. */
  readonly isExpired: boolean;
}

export class OpenCursors {
  readonly #cursors = new Set<OpenCursor>();

  /** @throws {KLaniError} LimitReached */
  add(cursor: OpenCursor): void {
    if (this.#cursors.size >= CURSORS_MAX) this.#dropExpired();
    if (this.#cursors.size >= CURSORS_MAX) {
      throw new KLaniError('LimitReached', `Cannot open a cursor: ${this.#cursors.size} are open, must be < ${CURSORS_MAX}`);
    }
    this.#cursors.add(cursor);
  }

  delete(cursor: OpenCursor): void {
    this.#cursors.delete(cursor);
  }

  /** The oldest snapshot that a cursor holds; Infinity when there is none. */
  get oldest(): number {
    this.#dropExpired();
    let oldest = Infinity;
    for (const { lsn } of this.#cursors) oldest = Math.min(oldest, lsn);
    return oldest;
  }

  #dropExpired(): void {
    for (const cursor of this.#cursors) if (cursor.isExpired) this.#cursors.delete(cursor);
  }
}
