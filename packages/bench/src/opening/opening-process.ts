/**
 * The processes that `opening.ts` measures with. `fill DIRECTORY ROWS TAIL_BYTES SEGMENT_BYTES` fills a database with seats, has a checkpoint built, sells
 * seats until so much log lies behind it, and waits to be killed. `open DIRECTORY CHECKPOINT_BYTES` opens it, and tells what that cost.
 */
import { setTimeout as pass } from 'node:timers/promises';
import { openDatabase, type EmbeddedDatabase } from '@k-lani/engine';
import { SEATS } from '../concert.ts';
import { loadSeats } from '../figures/load-seats.ts';

/** What was made. */
export interface FillReport {
  readonly rowsPerSecond: number;
  /** Bytes of log in all, and behind the checkpoint. */
  readonly logBytes: number;
  readonly tailBytes: number;
  readonly checkpointBytes: number;
  /** From asking for the checkpoint until it was in force. */
  readonly checkpointSeconds: number;
}

/** What an opening cost. */
export interface OpenReport {
  readonly seconds: number;
  /** Most memory that the process held, all of it. */
  readonly peakBytes: number;
  readonly derivedBytes: number;
  /** Position that reading began behind; 0 for the beginning of the log. */
  readonly openedFrom: number;
  readonly liveRows: number;
  /** Seats that are not sold. */
  readonly freeRows: number;
}

interface Sizes {
  readonly tailBytes: number;
  readonly segmentSizeBytes: number;
}

/** More log than there is: a checkpoint is built only when it is asked for. */
const NEVER = 2 ** 50;
const SALES_OF_BATCH = 10_000;
const LOOK_MS = 50;

async function fill(directory: string, rows: number, { tailBytes, segmentSizeBytes }: Sizes): Promise<FillReport> {
  const database = await openDatabase(directory, { checkpointBytes: NEVER, segmentSizeBytes });
  const startedMs = performance.now();
  await loadSeats(database, rows);
  const rowsPerSecond = rows / ((performance.now() - startedMs) / 1000);
  const askedMs = performance.now();
  await database.checkpoint();
  while (database.stats().checkpoint.isBuilding) await pass(LOOK_MS);
  const checkpointSeconds = (performance.now() - askedMs) / 1000;
  const { position, sizeBytes, failure } = database.stats().checkpoint;
  if (position === 0) throw new Error(`Cannot measure: there is no checkpoint, ${failure ?? 'the log has too few segments'}`);
  await sellUntil(database, rows, position + tailBytes);
  const { durable } = database.stats();
  return { rowsPerSecond, logBytes: durable, tailBytes: durable - position, checkpointBytes: sizeBytes, checkpointSeconds };
}

/** Sells seats, spread over all of them, until the log reaches `end`. */
async function sellUntil(database: EmbeddedDatabase, rows: number, end: number): Promise<void> {
  const table = await database.table(SEATS);
  const stride = strideOf(rows);
  for (let sold = 0; database.stats().durable < end; sold += SALES_OF_BATCH) {
    if (sold + SALES_OF_BATCH > rows) throw new Error(`Cannot measure: ${rows} rows are too few for so long a tail`);
    await database.batch((batch) => {
      for (let sale = sold; sale < sold + SALES_OF_BATCH; sale += 1) {
        const rowId = 1 + ((sale * stride) % rows);
        const found = table.seek(rowId);
        if (found === undefined) throw new Error(`Cannot read row ${rowId}`);
        batch.replace(table, rowId, { ...found.row, is_booked: 1, buyer: sale + 1 }, { ifVersion: found.version });
      }
    });
  }
}

/** A step that reaches every row once: odd, and not a multiple of 5, for a number of rows that is a power of ten times a small number. */
function strideOf(rows: number): number {
  let stride = Math.floor(rows * 0.618) | 1;
  while (greatestCommonDivisor(stride, rows) !== 1) stride += 2;
  return stride;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

async function open(directory: string, checkpointBytes: number): Promise<OpenReport> {
  const startedMs = performance.now();
  const database = await openDatabase(directory, { checkpointBytes });
  const seconds = (performance.now() - startedMs) / 1000;
  const { derivedBytes, checkpoint } = database.stats();
  const table = await database.table(SEATS);
  return {
    seconds,
    peakBytes: process.resourceUsage().maxRSS * 1024,
    derivedBytes,
    openedFrom: checkpoint.openedFrom,
    liveRows: table.count(),
    freeRows: table.count([{ field: 'is_booked', eq: 0 }]),
  };
}

if (import.meta.main) {
  const [, , task = '', directory = '', first = '0', second = '0', third = '0'] = process.argv;
  process.send?.(
    task === 'fill'
      ? await fill(directory, Number(first), { tailBytes: Number(second), segmentSizeBytes: Number(third) })
      : await open(directory, Number(first)),
  );
}
