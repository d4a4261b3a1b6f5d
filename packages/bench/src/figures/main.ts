/** `npm run bench`: every figure that k-lani holds itself to, measured now, with the machine it ran on. Nothing is asserted. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeHost, filesystemOf } from '../report/host.ts';
import { serverCommand } from '../storm/server-process.ts';
import { embeddedFigures } from './embedded-figures.ts';
import { formatFigure, type Figure } from './figure.ts';
import { concertFigures, wireFigures } from './wire-figures.ts';

const ROWS = 1_000_000;
const COMMAND = join(import.meta.dirname, '../../../cli/bin/k-lani.js');

const directory = mkdtempSync(join(tmpdir(), 'k-lani-bench-'));
const spawnServer = serverCommand([process.execPath, COMMAND]);

function print(title: string, figures: readonly Figure[]): void {
  process.stdout.write(`\n${title}\n${figures.map(formatFigure).join('\n')}\n`);
}

try {
  const host = describeHost();
  process.stdout.write(`${JSON.stringify({ ...host, node: process.version, filesystem: filesystemOf(directory), durability: 'fsync' })}\n`);
  print('Over TCP on loopback, the middle one of interleaved rounds', await wireFigures(directory, spawnServer));
  print('Concert, 100,000 users, 10,000 seats, durable', await concertFigures(directory, { spawnServer }));
  print('Embedded', await embeddedFigures(join(directory, 'embedded'), ROWS));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
