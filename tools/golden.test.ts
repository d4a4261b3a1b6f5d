import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { ByteReader, FrameParser, LAYOUT_HASH, Opcode, PROTOCOL_VERSION } from '@k-lani/protocol';
import { frameHex, formOf } from './golden-frames.ts';
import { readRow, rowHex } from './golden-rows.ts';
import { FRAMES_FILE, framesJson, layoutHash, ROWS_FILE, rowsJson, type GoldenFrames, type GoldenRows } from './golden.ts';
import { fromHex } from './wire-form.ts';

const { frames, protocolVersion } = JSON.parse(readFileSync(FRAMES_FILE, 'utf8')) as GoldenFrames;
const { rows } = JSON.parse(readFileSync(ROWS_FILE, 'utf8')) as GoldenRows;

for (const frame of frames) {
  test(`golden frame "${frame.name}" is read as its value and written as its bytes`, () => {
    const parser = new FrameParser({ direction: frame.isAnswer ? 'answers' : 'requests' });
    parser.push(fromHex(frame.hex));
    assert.equal(parser.next(), true);
    const { opcode, status, requestId, waitMs } = parser;
    assert.deepEqual({ opcode, status, requestId, waitMs }, pick(frame));
    const form = formOf(frame.name);
    const reader = new ByteReader(parser.bytes, parser.view, parser.payloadStart, parser.payloadEnd);
    assert.deepEqual(form.decode(reader), frame.value);
    assert.equal(frameHex(form, frame, frame.value), frame.hex);
    assert.equal(parser.next(), false);
  });
}

for (const row of rows) {
  test(`golden row "${row.name}" is read as its value and written as its bytes`, () => {
    assert.deepEqual(readRow(row), row.value);
    assert.equal(rowHex(row.schema, row.value), row.hex);
  });
}

test('golden frames have a request and an answer of every command', () => {
  for (const [name, opcode] of Object.entries(Opcode)) {
    for (const isAnswer of [false, true]) {
      const found = frames.some((frame) => frame.opcode === opcode && frame.isAnswer === isAnswer && frame.status === 0);
      assert.ok(found, `${name} has no ${isAnswer ? 'answer' : 'request'}`);
    }
  }
});

test('golden/ is what `node tools/golden.ts` writes', () => {
  assert.equal(readFileSync(FRAMES_FILE, 'utf8'), framesJson());
  assert.equal(readFileSync(ROWS_FILE, 'utf8'), rowsJson());
  assert.equal(protocolVersion, PROTOCOL_VERSION);
});

test('the layout is the one whose hash is pinned beside the protocol version', () => {
  assert.equal(layoutHash(), LAYOUT_HASH, 'the layout changed: see the rules in packages/protocol/src/layout-hash.ts');
});

function pick({ opcode, status, requestId, waitMs }: Omit<GoldenFrames['frames'][number], 'name'>): object {
  return { opcode, status, requestId, waitMs };
}
