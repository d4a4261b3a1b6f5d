/** Which function carries out which command. */
import { Opcode, type OpcodeName } from '@k-lani/protocol';
import { commitBatch } from './batch-command.ts';
import type { Call } from './call.ts';
import { claim } from './claim-command.ts';
import { closeCursor, scan, stream, turnPage } from './cursor-commands.ts';
import { count, explain, fetchRows, history, queryIntersect, seek, seekByField, seekByPredicate } from './read-commands.ts';
import { checkpoint, disconnect, handshake, operationStatus, stats } from './system-commands.ts';
import { alterTable, closeTable, createTable, getSchema, listTables, openTable } from './table-commands.ts';
import { append, deleteRow, lock, replace, unlock } from './write-commands.ts';

/** Carries out one request and answers it: see `call.ts`. */
export type Command = (call: Call) => void;

const BY_NAME: Readonly<Record<OpcodeName, Command>> = {
  Handshake: handshake,
  Disconnect: disconnect,
  OpenTable: openTable,
  CloseTable: closeTable,
  CreateTable: createTable,
  ListTables: listTables,
  GetSchema: getSchema,
  AlterTable: alterTable,
  Seek: seek,
  SeekByField: seekByField,
  SeekByPredicate: seekByPredicate,
  QueryIntersect: queryIntersect,
  Count: count,
  Explain: explain,
  Scan: scan,
  ScanNext: turnPage,
  Fetch: fetchRows,
  Stream: stream,
  StreamNext: turnPage,
  StreamClose: closeCursor,
  History: history,
  Append: append,
  Lock: lock,
  Replace: replace,
  Unlock: unlock,
  Delete: deleteRow,
  Claim: claim,
  BatchCommit: commitBatch,
  OperationStatus: operationStatus,
  Checkpoint: checkpoint,
  SystemGetStats: stats,
};

/** By opcode. */
export const COMMANDS: readonly (Command | undefined)[] = byOpcode();

function byOpcode(): (Command | undefined)[] {
  const commands = Array.from<Command | undefined>({ length: 256 });
  for (const [name, opcode] of Object.entries(Opcode)) commands[opcode] = BY_NAME[name as OpcodeName];
  return commands;
}
