/** The tables of the simulation. */
import { type TableSchema, defineTable } from '@k-lani/protocol';

/** Seats of the concert, and what buyers set. */
export const SEATS: TableSchema = defineTable({
  table: 'seats',
  fields: {
    rank: { type: 'uint32', index: 'non_unique' },
    seat_no: { type: 'uint32', index: 'unique' },
    is_booked: { type: 'uint32', index: 'non_unique' },
    buyer: { type: 'uint32', index: 'ordered' },
  },
});

/** The same table later: rows from before have the default, or nothing. */
export const SEATS_LATER: TableSchema = defineTable({
  table: 'seats',
  version: 2,
  fields: {
    rank: { type: 'uint32', index: 'non_unique' },
    seat_no: { type: 'uint32', index: 'unique' },
    is_booked: { type: 'uint32', index: 'non_unique' },
    buyer: { type: 'uint32', index: 'ordered' },
    zone: { type: 'int32', index: 'ordered', default: -3 },
    tag: { type: 'uint32', index: 'non_unique', required: false },
  },
});

/** The fields that a table was given later, with what rows from before have in them. */
export const ADDED_FIELDS: Readonly<Record<string, Readonly<Record<string, number | null>>>> = { [SEATS.table]: { zone: -3, tag: null } };

/** Rooms of the Holiday Rush; some prices are below zero, as after a rebate. */
export const ROOMS: TableSchema = defineTable({
  table: 'rooms',
  fields: {
    hotel: { type: 'uint32', index: 'non_unique' },
    room_no: { type: 'uint32' },
    price: { type: 'int32', index: 'ordered' },
    is_booked: { type: 'uint32', index: 'non_unique' },
    buyer: { type: 'uint32' },
  },
});

/** Rows that come and go, with a key that may be had once. */
export const MEMBERS: TableSchema = defineTable({
  table: 'members',
  fields: {
    code: { type: 'int32', index: 'unique', required: false },
    points: { type: 'int32', index: 'ordered' },
    level: { type: 'uint32', index: 'non_unique' },
  },
});

/** The tables whose rows are units that are sold once. */
export const UNIT_TABLES: readonly string[] = [SEATS.table, ROOMS.table];

export const RANKS = 3;
export const HOTELS = 3;
export const LEVELS = 3;
