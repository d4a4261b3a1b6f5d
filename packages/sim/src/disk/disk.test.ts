import assert from 'node:assert/strict';
import test from 'node:test';
import { KLaniError } from '@k-lani/protocol';
import { Chance } from '../world/chance.ts';
import { SimProcess } from '../world/sim-process.ts';
import { Timeline } from '../world/timeline.ts';
import { Disk } from './disk.ts';
import { DiskFaults, type DiskFaultRates } from './disk-faults.ts';
import { SimIo } from './sim-io.ts';

const SEEDS = 60;
const NO_FAULTS: DiskFaultRates = { syncFails: 0, writeFails: 0, isFull: 0, isSlow: 0 };
const BYTES = Uint8Array.from({ length: 3000 }, (_, place) => 1 + (place % 255));

function machineOf(seed: number, rates: Partial<DiskFaultRates> = {}): { disk: Disk; process: SimProcess } {
  const chance = Chance.of(seed, 'disk');
  const faults = new DiskFaults({ ...NO_FAULTS, ...rates }, Chance.of(seed, 'faults'), () => undefined);
  const watcher = { wrote: () => undefined, synced: () => undefined, renamed: () => undefined };
  const timeline = new Timeline({ trace: undefined, onThrown: (error) => assert.fail(String(error)) });
  return { disk: new Disk({ faults, chance, watcher, hasMappings: true }), process: new SimProcess('one', timeline, new Chance(seed)) };
}

function open(disk: Disk, process: SimProcess): ReturnType<SimIo['openDirectory']> {
  return new SimIo(disk, process).openDirectory('data', { create: true });
}

/** What is in the file after a crash; `undefined` when it is not there. */
function contentOf(disk: Disk, process: SimProcess): Uint8Array | undefined {
  const directory = open(disk, process);
  if (!directory.list().includes('file')) return undefined;
  const file = directory.openFile('file', 'read');
  const bytes = new Uint8Array(file.sizeBytes());
  file.read(bytes, 0);
  return bytes;
}

function seen(outcomes: Iterable<string>): string[] {
  return [...new Set(outcomes)].toSorted();
}

test('What was synced, bytes and name, is there after every power cut', () => {
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const { disk, process } = machineOf(seed);
    const directory = open(disk, process);
    const file = directory.createFile('file');
    file.write(BYTES, 0);
    file.sync();
    directory.sync();
    assert.deepEqual(contentOf(disk.afterPowerCut(), process), BYTES, `seed ${seed}`);
  }
});

test('Bytes that were not synced may be there, lost or torn after a power cut, and are all there after a kill', () => {
  const outcomes: string[] = [];
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const { disk, process } = machineOf(seed);
    const directory = open(disk, process);
    const file = directory.createFile('file');
    directory.sync();
    file.write(BYTES, 0);
    assert.deepEqual(contentOf(disk.afterKill(), process), BYTES, `seed ${seed}`);
    const kept = contentOf(disk.afterPowerCut(), process)?.filter((byte) => byte !== 0).length;
    outcomes.push(kept === 0 ? 'lost' : kept === BYTES.length ? 'there' : 'torn');
  }
  assert.deepEqual(seen(outcomes), ['lost', 'there', 'torn']);
});

test('A name that was not synced may be lost in a power cut although its bytes were synced', () => {
  const outcomes: string[] = [];
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const { disk, process } = machineOf(seed);
    const file = open(disk, process).createFile('file');
    file.write(BYTES, 0);
    file.sync();
    outcomes.push(contentOf(disk.afterPowerCut(), process) === undefined ? 'lost' : 'there');
  }
  assert.deepEqual(seen(outcomes), ['lost', 'there']);
});

test('After a sync that failed, later syncs return, and the bytes may be gone all the same', () => {
  const outcomes: string[] = [];
  for (let seed = 0; seed < SEEDS; seed += 1) {
    const { disk, process } = machineOf(seed, { syncFails: 1 });
    const directory = open(disk, process);
    const file = directory.createFile('file');
    directory.sync();
    file.write(BYTES, 0);
    assert.throws(
      () => file.sync(),
      (error) => error instanceof KLaniError && error.code === 'Io',
    );
    disk.faults.isCalm = true;
    file.sync();
    outcomes.push(contentOf(disk.afterPowerCut(), process)?.length === BYTES.length ? 'there' : 'gone');
  }
  assert.deepEqual(seen(outcomes), ['gone', 'there']);
});

test('A crash comes in the very operation that it was planned for', () => {
  const { disk, process } = machineOf(1);
  const directory = open(disk, process);
  let crashes = 0;
  disk.crashAt = 3;
  disk.onCrash = () => {
    crashes += 1;
    process.kill();
  };
  const file = directory.createFile('file');
  directory.sync();
  assert.equal(crashes, 0);
  file.write(BYTES, 0);
  assert.equal(crashes, 1);
});
