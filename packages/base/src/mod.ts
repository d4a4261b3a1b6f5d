export { AssertionError, assert, unreachable } from './assert.ts';
export { Attendant } from './attendant.ts';
export { Channel, CHANNEL_CONNECTIONS_MAX, type ChannelOptions, type ChannelSide, createChannel } from './channel.ts';
export { type ChannelConnection, CONNECTION_WINDOW_BYTES, type ConnectionUser } from './channel-connection.ts';
export type { Clock, Scheduler } from './clock.ts';
export { crc32 } from './crc32.ts';
export { SeededRandom, type Random } from './random.ts';
export { createBell } from './ring.ts';
export { xxHash32 } from './xx-hash32.ts';
