import assert from 'node:assert/strict';
import test from 'node:test';
import { ByteReader } from './bytes-reader.ts';
import { ByteWriter } from './bytes-writer.ts';

test('ByteWriter writes little-endian and grows', () => {
  const writer = new ByteWriter({ capacityBytes: 1 });
  writer.u8(0x01);
  writer.u16(0x0203);
  writer.u32(0x0405_0607);
  writer.u64(0x0809_0a0b_0c0d_0e0fn);
  writer.u64Safe(2 ** 32 + 5);
  writer.u64Halves(1, 2);
  writer.str('é');
  writer.append(Uint8Array.of(9, 8, 7), 1, 2);
  assert.equal(
    Buffer.from(writer.bytes.subarray(0, writer.length)).toString('hex'),
    '01 0302 07060504 0f0e0d0c0b0a0908 0500000001000000 0100000002000000 0200c3a9 08'.replaceAll(' ', ''),
  );
});

test('ByteReader reads what ByteWriter wrote, after reset() too', () => {
  const writer = new ByteWriter();
  for (let round = 0; round < 2; round += 1) {
    writer.reset();
    writer.u8(255);
    writer.u16(65_535);
    writer.u32(0xffff_ffff);
    writer.f64(-0.1);
    writer.u64(2n ** 64n - 1n);
    writer.u64Safe(Number.MAX_SAFE_INTEGER);
    writer.str('');
    writer.text('日本 🎫'.repeat(30));
    writer.append(Uint8Array.of(1, 2, 3));
    const reader = new ByteReader(writer.bytes, writer.view, 0, writer.length);
    assert.equal(reader.u8(), 255);
    assert.equal(reader.u16(), 65_535);
    assert.equal(reader.u32(), 0xffff_ffff);
    assert.equal(reader.f64(), -0.1);
    assert.equal(reader.u64(), 2n ** 64n - 1n);
    assert.equal(reader.u64Safe(), Number.MAX_SAFE_INTEGER);
    assert.equal(reader.str(), '');
    assert.equal(reader.text(), '日本 🎫'.repeat(30));
    assert.deepEqual(reader.copy(3), Uint8Array.of(1, 2, 3));
    reader.expectEnd();
  }
});

test('ByteWriter.append() copies a part of its own buffer, even when that has to grow', () => {
  const writer = new ByteWriter({ capacityBytes: 4 });
  writer.u32(0x0403_0201);
  writer.append(writer.bytes, 0, 4);
  assert.deepEqual(writer.bytes.subarray(0, writer.length), Uint8Array.of(1, 2, 3, 4, 1, 2, 3, 4));
});

test('ByteWriter.reserve() refuses to pass the limit, and takes nothing then', () => {
  const writer = new ByteWriter({ capacityBytes: 4, limitBytes: 10, subject: 'frame' });
  writer.reserve(10);
  assert.throws(() => writer.u8(1), { code: 'FrameTooLarge', message: 'Cannot write frame: size is 11 bytes, must be <= 10' });
  assert.equal(writer.length, 10);
});

test('ByteWriter.str() refuses a text of more than 65,535 bytes, and half a surrogate pair', () => {
  const writer = new ByteWriter();
  writer.str('x'.repeat(65_535));
  assert.throws(() => writer.str('é'.repeat(32_768)), { code: 'InvalidArgument', message: /65536 bytes, must be <= 65535/ });
  assert.throws(() => writer.text('\ud800'), { code: 'InvalidUtf8' });
});

test('ByteWriter.u64Safe() asserts that its value is a safe integer', () => {
  const writer = new ByteWriter();
  for (const value of [-1, 0.5, 2 ** 53]) assert.throws(() => writer.u64Safe(value), { name: 'AssertionError' });
});
