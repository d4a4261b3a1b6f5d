/**
 * What the clients of a storm were told, kept apart from the database: each write gets an operation id of the witness's own, and its answer
 * is held against what the restarted server says.
 *
 * 1. A claim that was answered is asked again, the same bytes under the same id: the answer must be the first one, to the byte.
 * 2. A write under a lock is asked for by its id: it must be done, as it was answered. Its lock ended with the server, so it cannot be
 *    asked again.
 * 3. A write whose outcome was never learned may be done or not; the recount says whether what is there can be explained.
 */
import { assert, SeededRandom } from '@k-lani/base';
import type { Shop, ShopClaim, ShopClaimLine, ShopLock, ShopOperation, ShopTable } from '../storm/shop.ts';

/** Requests that the witness has in flight. */
const ASKED_AT_ONCE = 128;
/** Contradictions that are told in words; the rest is counted. */
const TOLD_MAX = 5;

/** A claim that was answered. */
interface AnsweredClaim<Row, Term> {
  readonly operationId: string;
  readonly line: ShopClaimLine<Row, Term>;
  readonly answer: ShopClaim;
}

/** A write under a lock that was answered. */
interface AnsweredWrite {
  readonly operationId: string;
  readonly rowId: number;
  readonly lsn: number;
}

/** How the answers held. */
export interface Testimony {
  /** Operations that the restarted server was asked for. */
  readonly asked: number;
  /** Operations of which it says something else than at first. */
  readonly contradicted: number;
  /** The first few of those, one sentence each. */
  readonly contradictions: readonly string[];
}

export class Witness<Row, Term> {
  readonly #random: SeededRandom;
  readonly #claims: AnsweredClaim<Row, Term>[] = [];
  readonly #writes: AnsweredWrite[] = [];

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  /** The same shop, whose sales the witness sees: those that it names itself. */
  watch(shop: Shop<Row, Term>): Shop<Row, Term> {
    const { table } = shop;
    const watched: ShopTable<Row, Term> = {
      queryIntersect: (terms, options) => table.queryIntersect(terms, options),
      tryLock: async (rowId) => {
        const lock = await table.tryLock(rowId);
        return lock === undefined ? undefined : this.#watchLock(lock, rowId);
      },
      claim: async (line, options) => {
        if (options !== undefined) return table.claim(line, options);
        const operationId = this.#newId();
        const answer = await table.claim(line, { operationId });
        if (answer.outcome === 'claimed') this.#claims.push({ operationId, line, answer });
        return answer;
      },
    };
    return { ...shop, table: watched };
  }

  /**
   * Asks a server for what was answered last: at most `countMax` claims, and as many writes.
   *
   * @throws {KLaniError} when it does not answer
   */
  async askAgain(shop: Shop<Row, Term>, countMax: number): Promise<Testimony> {
    const claims = this.#claims.slice(-countMax);
    const writes = this.#writes.slice(-countMax);
    const contradictions: string[] = [];
    const check = (isSame: boolean, operationId: string, told: object, first: object): void => {
      if (isSame) return;
      contradictions.push(`Operation ${operationId} was answered ${JSON.stringify(first)}, and now ${JSON.stringify(told)}`);
    };
    await forEachAtOnce(claims, async ({ operationId, line, answer }) => {
      const told = await shop.table.claim(line, { operationId });
      check(JSON.stringify(told) === JSON.stringify(answer), operationId, told, answer);
    });
    await forEachAtOnce(writes, async (write) => {
      const told = await shop.operationStatus(write.operationId);
      check(saysTheSame(told, write), write.operationId, told, write);
    });
    return {
      asked: claims.length + writes.length,
      contradicted: contradictions.length,
      contradictions: contradictions.slice(0, TOLD_MAX),
    };
  }

  #watchLock(lock: ShopLock<Row>, rowId: number): ShopLock<Row> {
    return {
      seek: () => lock.seek(),
      replace: async (row) => {
        const operationId = this.#newId();
        const { lsn } = await lock.replace(row, { operationId });
        this.#writes.push({ operationId, rowId, lsn });
        return { lsn };
      },
      unlock: () => lock.unlock(),
    };
  }

  #newId(): string {
    const words = Array.from({ length: 4 }, () => this.#random.uint32().toString(16).padStart(8, '0'));
    return words.join('');
  }
}

function saysTheSame(told: ShopOperation, { rowId, lsn }: AnsweredWrite): boolean {
  return told.state === 'done' && told.lsn === lsn && told.changes.length === 1 && told.changes[0]?.rowId === rowId;
}

/** Does `work` for each of `items`, so many at once. */
async function forEachAtOnce<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  let next = 0;
  const takeTurns = async (): Promise<void> => {
    while (next < items.length) {
      const item = items[next];
      next += 1;
      assert(item !== undefined, 'There is an item below the length');
      await work(item);
    }
  };
  await Promise.all(Array.from({ length: ASKED_AT_ONCE }, takeTurns));
}
