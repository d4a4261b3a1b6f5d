/**
 * For tests: a process that reads a database which another one writes: `node reader-main.fixture.ts MODE PATH`. It prints lines of JSON, the
 * first one, `{}`, when it has begun.
 *
 * | mode | what it does |
 * | --- | --- |
 * | `see` | prints what it sees, whenever that is new, until its standard input ends; then once more, and ends |
 * | `linger` | is nearly always in the middle of a read, for ever |
 * | `outlive` | reads until that is refused, and prints the refusal, and how long after the last read it came, milliseconds |
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openReader } from './open-reader.ts';
import { SeatReader } from './read-seats.fixture.ts';

const READS_IN_A_TURN = 20;

const [mode, path] = process.argv.slice(2);
const stopped = { is: false };
process.stdin.on('end', () => {
  stopped.is = true;
});
process.stdin.resume();

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

async function see(seats: SeatReader): Promise<void> {
  let lsn = 0;
  while (!stopped.is) {
    for (let count = 0; count < READS_IN_A_TURN; count += 1) {
      const seen = seats.see();
      if (seen !== undefined && seen.queryLsn !== lsn) print(seen);
      lsn = seen?.queryLsn ?? lsn;
    }
    await sleep(0);
  }
  print(seats.see());
}

async function outlive(seats: SeatReader): Promise<void> {
  let readMs = performance.now();
  try {
    for (;;) {
      seats.touch();
      readMs = performance.now();
      await sleep(1);
    }
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    print({ code, message, waitedMs: performance.now() - readMs });
  }
}

const reader = await openReader(path ?? '');
const seats = await SeatReader.of(reader);
print({});
if (mode === 'see') await see(seats);
else if (mode === 'outlive') await outlive(seats);
else for (;;) seats.linger();
reader.close();
process.exit();
