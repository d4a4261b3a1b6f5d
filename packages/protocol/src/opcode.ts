/** The commands of the protocol. A number is never given to another command. */
export const Opcode = {
  Handshake: 0x01,
  Disconnect: 0x02,
  OpenTable: 0x10,
  CloseTable: 0x11,
  CreateTable: 0x12,
  ListTables: 0x13,
  GetSchema: 0x14,
  AlterTable: 0x15,
  Seek: 0x20,
  SeekByField: 0x21,
  SeekByPredicate: 0x22,
  QueryIntersect: 0x23,
  Count: 0x24,
  Explain: 0x25,
  Scan: 0x26,
  ScanNext: 0x27,
  Fetch: 0x28,
  Stream: 0x29,
  StreamNext: 0x2a,
  StreamClose: 0x2b,
  History: 0x2c,
  Append: 0x40,
  Lock: 0x41,
  Replace: 0x42,
  Unlock: 0x43,
  Delete: 0x44,
  Claim: 0x45,
  BatchCommit: 0x46,
  OperationStatus: 0x47,
  Checkpoint: 0x60,
  SystemGetStats: 0x61,
} as const;

export type OpcodeName = keyof typeof Opcode;

/** One of the numbers of {@link Opcode}. */
export type OpcodeNumber = (typeof Opcode)[OpcodeName];

const NAMES: ReadonlyMap<number, OpcodeName> = new Map((Object.keys(Opcode) as OpcodeName[]).map((name) => [Opcode[name], name]));

/** The name of an opcode from the wire, or `undefined` for one that this version does not know. */
export function opcodeName(opcode: number): OpcodeName | undefined {
  return NAMES.get(opcode);
}
