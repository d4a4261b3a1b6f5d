/** Holds `docs/protocol.md` to the code: its bytes are golden ones, and it leaves out no command, limit or type. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import * as protocol from '@k-lani/protocol';
import { goldenFrames } from './golden-frames.ts';
import { goldenRows } from './golden-rows.ts';

const text = readFileSync(new URL('../docs/protocol.md', import.meta.url), 'utf8');

/** The bytes of a block: on each line those before two spaces. */
function blockHex(block: string): string {
  return block
    .split('\n')
    .map((line) => line.split('  ')[0]?.replaceAll(' ', '') ?? '')
    .join('');
}

/** The cells of the rows of all tables. */
function tableRows(): string[][] {
  const rows = text.split('\n').filter((line) => line.startsWith('|'));
  return rows.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

test('docs/protocol.md shows frames as they are in golden/', () => {
  const golden = new Map(goldenFrames().map((frame) => [frame.name, frame.hex]));
  const blocks = [...text.matchAll(/^```hex (.+)\n([^`]*(?:`[^`\n]+`[^`]*)*)^```$/gm)];
  assert.equal(blocks.length, 7);
  for (const [, name = '', block = ''] of blocks) assert.equal(blockHex(block), golden.get(name), name);
});

test('docs/protocol.md shows a row as it is in golden/', () => {
  const block = /`04 05`:\n\n```\n([\s\S]*?)\n```/.exec(text)?.[1];
  assert.equal(blockHex(block ?? ''), goldenRows().find(({ name }) => name === 'two blobs')?.hex);
});

test('docs/protocol.md shows a schema that keeps the rules', () => {
  const json = /^```json\n([\s\S]*?)^```$/m.exec(text)?.[1];
  assert.equal(protocol.decodeSchema(json).fields.length, 3);
});

test('docs/protocol.md names every command with its opcode, and describes it', () => {
  const opcodes = tableRows().filter(([opcode = '']) => /^0x[0-9a-f]{2}$/.test(opcode));
  assert.deepEqual(
    opcodes.map(([opcode, name]) => [name, Number(opcode)]),
    Object.entries(protocol.Opcode),
  );
  for (const [name, opcode] of Object.entries(protocol.Opcode)) {
    const heading = `${name}, 0x${opcode.toString(16).padStart(2, '0')}`;
    if (opcode !== protocol.Opcode.Handshake) assert.match(text, new RegExp(`^### .*${heading}`, 'm'), heading);
  }
});

test('docs/protocol.md names every field type', () => {
  const types = tableRows().flatMap(([first = '']) => [...first.matchAll(/`(\w+)`/g)].map(([, name]) => name));
  for (const type of Object.keys(protocol.TypeCode)) assert.ok(types.includes(type), type);
});

test('docs/protocol.md has the offsets of the header', () => {
  const offsets = tableRows().filter((cells) => cells.length === 5 && cells[0] !== 'offset' && /^\d+$/.test(cells[0] ?? ''));
  const { length, opcode, flags, status, requestId, deadline } = protocol.FrameOffset;
  assert.deepEqual(
    offsets.map(([offset, , name]) => [name, Number(offset)]),
    [
      ['length', length],
      ['opcode', opcode],
      ['flags', flags],
      ['status', status],
      ['request id', requestId],
      ['deadline or retry-after', deadline],
      ['payload', protocol.FRAME_HEADER_SIZE],
    ],
  );
});

test('docs/protocol.md has the limits of the code', () => {
  const limits = new Map(tableRows().map(([name = '', value = '']) => [name, Number(value.replaceAll(',', '').split(' ')[0])]));
  assert.equal(limits.get('client name'), protocol.CLIENT_NAME_BYTES_MAX);
  assert.equal(limits.get('credentials'), protocol.CREDENTIALS_BYTES_MAX);
  assert.equal(limits.get('terms of one query or line'), protocol.TERMS_MAX);
  assert.equal(limits.get('lines of one claim'), protocol.CLAIM_LINES_MAX);
  assert.equal(limits.get('rows of one line'), protocol.CLAIM_ROWS_MAX);
  assert.equal(limits.get('assignments of one line'), protocol.ASSIGNMENTS_MAX);
  assert.equal(limits.get('fields of a table'), protocol.FIELDS_MAX);
  assert.equal(limits.get('slots and null bits of a row'), protocol.ROW_FIXED_SIZE_BYTES_MAX);
  assert.equal(limits.get('`fixed_string`'), protocol.STRING_SIZE_BYTES_MAX);
});

test('docs/protocol.md names errors by their numbers', () => {
  for (const [, number = '', code = ''] of text.matchAll(/\b(\d+) `([A-Z][A-Za-z]+)`/g)) {
    assert.equal(protocol.errorCodeOf(Number(number)), code);
  }
  for (const [, code = ''] of text.matchAll(/answered with `([A-Z][A-Za-z0-9]+)`/g)) assert.ok(Object.hasOwn(protocol.ERRORS, code), code);
});
