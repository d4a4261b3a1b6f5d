import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { decodeUtf8, encodeUtf8, isUtf8, utf8SizeBytes } from './bytes-utf8.ts';

const anyText = fc.oneof(fc.string({ unit: 'binary', maxLength: 100 }), fc.string({ unit: 'binary-ascii', maxLength: 100 }));

test('encodeUtf8() writes what the platform writes, at any place, when it fits and not otherwise', () => {
  fc.assert(
    fc.property(anyText, fc.nat(3), fc.integer({ min: -1, max: 3 }), (text, offset, spareBytes) => {
      const expected = new TextEncoder().encode(text);
      assert.equal(utf8SizeBytes(text), expected.length);
      const target = new Uint8Array(offset + expected.length + 8);
      const end = offset + expected.length + spareBytes;
      if (end < offset) return;
      const written = encodeUtf8(text, target, offset, end);
      if (spareBytes < 0) assert.equal(written, -1);
      else assert.deepEqual(target.subarray(offset, written), expected);
      assert.ok(target.subarray(Math.max(end, offset)).every((byte) => byte === 0));
    }),
  );
});

test('decodeUtf8() gives the text back, and keeps a byte order mark', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const bytes = new TextEncoder().encode(`ab${text}`);
      assert.equal(decodeUtf8(bytes, 2, bytes.length), text);
      assert.ok(isUtf8(bytes, 2, bytes.length));
    }),
  );
  assert.equal(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61), 0, 4), '\uFEFFa');
});

test('decodeUtf8() and isUtf8() refuse the same bytes as the platform', () => {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
      let isValid = true;
      try {
        decoder.decode(bytes);
      } catch {
        isValid = false;
      }
      assert.equal(isUtf8(bytes, 0, bytes.length), isValid);
      if (isValid) decodeUtf8(bytes, 0, bytes.length);
      else assert.throws(() => decodeUtf8(bytes, 0, bytes.length), { code: 'InvalidUtf8' });
    }),
  );
});

test('texts are read from shared memory', () => {
  const bytes = new Uint8Array(new SharedArrayBuffer(100));
  const end = encodeUtf8('Straße 日本', bytes, 3, 100);
  assert.equal(decodeUtf8(bytes, 3, end), 'Straße 日本');
});
