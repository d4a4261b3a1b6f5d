import { defineTable } from '@k-lani/protocol';

/** How often a row was taken is its version, which counts its changes. */
export const HOT_ROWS = defineTable({
  table: 'hot',
  fields: { slot: { type: 'uint32', index: 'unique' }, holder: { type: 'uint32' } },
});
