import type { Random } from '@k-lani/base';
import { OPERATION_ID_SIZE, parseOperationId } from '@k-lani/protocol';

/** Drawn at once: a call of the system's generator costs as much as several requests. */
const POOL_BYTES = 256 * OPERATION_ID_SIZE;

/** Gives each write an id of its own: 16 random bytes. */
export class OperationIds {
  readonly #random: Random;
  readonly #pool = new Uint8Array(POOL_BYTES);
  readonly #id = new Uint8Array(OPERATION_ID_SIZE);
  #offset = POOL_BYTES;

  constructor(random: Random) {
    this.#random = random;
  }

  /**
   * The id that the caller chose, or a new one. It may be overwritten by the next call.
   *
   * @throws {KLaniError} `InvalidArgument` when the given one is not 32 lower-case hexadecimal digits
   */
  next(given: string | undefined): Uint8Array {
    if (given !== undefined) return parseOperationId(given);
    if (this.#offset === POOL_BYTES) {
      this.#random.fill(this.#pool);
      this.#offset = 0;
    }
    const id = this.#id;
    for (let index = 0; index < OPERATION_ID_SIZE; index += 1) id[index] = this.#pool[this.#offset + index] as number;
    this.#offset += OPERATION_ID_SIZE;
    return id;
  }
}
