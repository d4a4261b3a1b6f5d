/** What an operation did, told from its records: the first answer, for a request that comes again. */
import { KLaniError, formatOperationId } from '@k-lani/protocol';
import { RECORD_FLAG_LAST, RecordOffset, readU64, type Operation } from '../log/record.ts';
import type { State } from './state.ts';

/** One change of an operation. */
interface OperationChange {
  readonly tableId: number;
  readonly rowId: number;
  readonly version: number;
  /** The line of the claim. */
  readonly line: number;
  readonly lsn: number;
}

/** An operation that was carried out. */
export interface DoneOperation {
  readonly opcode: number;
  readonly timeMs: number;
  /** Of its last record: the answer may leave once this is durable. */
  readonly lsn: number;
  readonly digestChecksum: number;
  readonly digestLength: number;
  readonly changes: readonly OperationChange[];
}

/** What the operation with this id did; `undefined` when the window does not hold it. */
export function doneOperation(state: State, id: Uint8Array): DoneOperation | undefined {
  let position = state.operations.find(id);
  if (position === 0) return undefined;
  const { log } = state;
  const changes: OperationChange[] = [];
  for (;;) {
    const at = log.record(position);
    const { view } = log;
    changes.push({
      tableId: view.getUint16(at + RecordOffset.tableId, true),
      rowId: view.getUint32(at + RecordOffset.rowId, true),
      version: view.getUint32(at + RecordOffset.version, true),
      line: view.getUint16(at + RecordOffset.line, true),
      lsn: readU64(view, at + RecordOffset.lsn),
    });
    if ((view.getUint8(at + RecordOffset.flags) & RECORD_FLAG_LAST) === 0) {
      position += view.getUint32(at, true);
      continue;
    }
    return {
      opcode: view.getUint8(at + RecordOffset.opcode),
      timeMs: readU64(view, at + RecordOffset.time),
      lsn: readU64(view, at + RecordOffset.lsn),
      digestChecksum: view.getUint32(at + RecordOffset.digestChecksum, true),
      digestLength: view.getUint32(at + RecordOffset.digestLength, true),
      changes,
    };
  }
}

/**
 * What the same request did when it came first; `undefined` when it comes for the first time.
 *
 * @throws {KLaniError} OperationMismatch when another request had the id
 */
export function firstAnswer(state: State, operation: Operation): DoneOperation | undefined {
  const done = doneOperation(state, operation.id);
  if (done === undefined) return undefined;
  const isSame =
    done.opcode === operation.opcode && done.digestChecksum === operation.digestChecksum && done.digestLength === operation.digestLength;
  if (isSame) return done;
  throw new KLaniError('OperationMismatch', `Cannot carry out operation ${formatOperationId(operation.id)}: another request had this id`);
}
