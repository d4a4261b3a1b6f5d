import { KLaniError, showValue } from '@k-lani/protocol';

/** The highest row id. */
const ROW_ID_MAX = 0xffff_fffe;

/** Reads an argument that is a row id. @throws {KLaniError} InvalidArgument */
export function rowIdArgument(text: string): number {
  const rowId = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (rowId >= 1 && rowId <= ROW_ID_MAX) return rowId;
  throw new KLaniError('InvalidArgument', `Cannot read row id: it is ${showValue(text)}, must be an integer from 1 to ${ROW_ID_MAX}`);
}
