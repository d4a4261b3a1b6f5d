/** What holds for every `FileView`, whatever is behind it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { AssertionError, SeededRandom } from '@k-lani/base';
import type { Directory, FileView, Io } from './io.ts';

const FILE_SIZE_BYTES = 3 * 4096 + 5;

/** Registers the tests for the views that the files of `io` open. */
export function testFileView(name: string, io: Io): void {
  testReading(name, io);
  testLifetime(name, io);
}

function testReading(name: string, io: Io): void {
  test(`${name} reads what was written before it was opened, through bytes and view alike`, (t) => {
    const { view } = open(
      io,
      t,
      Uint8Array.from({ length: FILE_SIZE_BYTES }, (_, index) => index % 251),
    );
    const index = view.at(4094, 8);
    assert.deepEqual([...view.bytes.subarray(index, index + 8)], [78, 79, 80, 81, 82, 83, 84, 85]);
    assert.equal(view.view.getUint32(index, true), 0x51504f4e);
  });

  test(`${name} shows at the next at() what another descriptor has written since`, (t) => {
    const { directory, view } = open(io, t, new Uint8Array(FILE_SIZE_BYTES));
    assert.equal(view.bytes[view.at(5000, 1)], 0);
    const writer = directory.openFile('file', 'write');
    for (const value of [1, 2]) {
      writer.write(Uint8Array.of(value), 5000);
      assert.equal(view.bytes[view.at(5000, 1)], value);
    }
    writer.close();
  });

  test(`${name} reads up to the last byte and asserts on the one after it`, (t) => {
    const { view } = open(io, t, new Uint8Array(FILE_SIZE_BYTES).fill(7));
    const index = view.at(FILE_SIZE_BYTES - 4, 4);
    assert.equal(view.view.getUint32(index, true), 0x07070707);
    view.at(FILE_SIZE_BYTES, 0);
    const outside = [
      [FILE_SIZE_BYTES - 3, 4],
      [FILE_SIZE_BYTES, 1],
      [-1, 1],
      [0, -1],
      [Number.NaN, 1],
      [2 ** 53, 1],
    ] as const;
    for (const [position, length] of outside) assert.throws(() => view.at(position, length), AssertionError);
  });

  test(`${name} makes the whole file readable at once`, (t) => {
    const content = new Uint8Array(FILE_SIZE_BYTES);
    new SeededRandom(1).fill(content);
    const { view } = open(io, t, content);
    const index = view.at(0, FILE_SIZE_BYTES);
    assert.deepEqual(view.bytes.subarray(index, index + FILE_SIZE_BYTES), content);
  });

  test(`${name} equals a plain array under random writes and reads`, (t) => {
    const seed = Math.trunc(performance.timeOrigin + performance.now()) >>> 0;
    t.diagnostic(`seed ${seed}`);
    const random = new SeededRandom(seed);
    const model = new Uint8Array(FILE_SIZE_BYTES);
    const { directory, view } = open(io, t, model);
    const writer = directory.openFile('file', 'write');
    for (let step = 0; step < 500; step += 1) {
      const position = random.below(FILE_SIZE_BYTES);
      const length = random.below(Math.min(FILE_SIZE_BYTES - position, 300) + 1);
      if (random.below(2) === 0) {
        random.fill(model.subarray(position, position + length));
        writer.write(model.subarray(position, position + length), position);
      }
      const index = view.at(position, length);
      assert.deepEqual(view.bytes.subarray(index, index + length), model.subarray(position, position + length), `step ${step}`);
    }
    writer.close();
  });
}

function testLifetime(name: string, io: Io): void {
  test(`${name} keeps the size that the file had when it was opened`, (t) => {
    const { directory, view } = open(io, t, new Uint8Array(8));
    const writer = directory.openFile('file', 'write');
    writer.write(new Uint8Array(8192), 8);
    writer.close();
    assert.throws(() => view.at(8, 1), AssertionError);
  });

  test(`${name} of an empty file has nothing to read`, (t) => {
    const { view } = open(io, t, new Uint8Array(0));
    view.at(0, 0);
    assert.throws(() => view.at(0, 1), AssertionError);
  });

  test(`${name} outlives its file, even when the file is removed`, (t) => {
    const { directory, view } = open(io, t, new Uint8Array(FILE_SIZE_BYTES).fill(9));
    directory.remove('file');
    const other = directory.createFile('other');
    other.write(new Uint8Array(FILE_SIZE_BYTES).fill(1), 0);
    assert.equal(view.bytes[view.at(FILE_SIZE_BYTES - 1, 1)], 9);
    other.close();
  });

  test(`${name} asserts on every access after close(), and bytes kept from before are gone`, (t) => {
    const { view } = open(io, t, new Uint8Array(FILE_SIZE_BYTES).fill(9));
    view.at(0, 4);
    const { bytes, view: kept } = view;
    view.close();
    view.close();
    assert.throws(() => view.at(0, 0), AssertionError);
    assert.throws(() => view.at(0, 4), AssertionError);
    assert.throws(() => view.bytes, AssertionError);
    assert.throws(() => view.view, AssertionError);
    assert.equal(bytes.length, 0);
    assert.equal(bytes[0], undefined);
    assert.throws(() => kept.getUint8(0), TypeError);
  });
}

/** A view of a new file, whose file is already closed. */
function open(io: Io, t: TestContext, content: Uint8Array): { directory: Directory; view: FileView } {
  const root = mkdtempSync(join(tmpdir(), 'k-lani-view-'));
  const directory = io.openDirectory(root, { create: false });
  const file = directory.createFile('file');
  file.write(content, 0);
  const view = file.openView();
  file.close();
  t.after(() => {
    view.close();
    directory.close();
    rmSync(root, { recursive: true });
  });
  return { directory, view };
}
