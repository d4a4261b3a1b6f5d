export { AssertionError, assert, unreachable } from './assert.ts';
export type { Clock, Scheduler } from './clock.ts';
export { crc32 } from './crc32.ts';
export { SeededRandom, type Random } from './random.ts';
export { xxHash32 } from './xx-hash32.ts';
