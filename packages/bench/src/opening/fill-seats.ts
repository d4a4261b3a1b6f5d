/** A process that fills a database with seats, and makes no checkpoint: `fill-seats.ts DIRECTORY ROWS SEGMENT_BYTES`. */
import { openDatabase } from '@k-lani/engine';
import { loadSeats } from '../figures/load-seats.ts';

const [, , directory = '', rows = '0', segmentSizeBytes = '0'] = process.argv;
const database = await openDatabase(directory, { segmentSizeBytes: Number(segmentSizeBytes), checkpointBytes: 0 });
await loadSeats(database, Number(rows));
await database.close();
