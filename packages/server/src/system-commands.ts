/** Handshake, Disconnect, OperationStatus, Checkpoint, SystemGetStats. */
import { doneOperation } from '@k-lani/engine';
import {
  agreedVersion,
  decodeEmpty,
  decodeHandshakeRequest,
  decodeOperationStatusRequest,
  encodeCheckpointAnswer,
  encodeHandshakeAnswer,
  encodeJsonAnswer,
  encodeOperationStatusAnswer,
  KLaniError,
  OPERATION_ID_SIZE,
} from '@k-lani/protocol';
import type { Call } from './call.ts';

export function handshake(call: Call): void {
  const { caller, database, service } = call;
  const request = decodeHandshakeRequest(call.reader);
  if (request.credentials.length > 0) {
    throw new KLaniError(
      'AuthFailed',
      `Cannot shake hands: credentials have ${request.credentials.length} bytes, must have 0: this server knows none`,
    );
  }
  const { config } = service;
  const { log } = database.state;
  caller.greeted(new TextEncoder().encode(request.clientName));
  encodeHandshakeAnswer(call.answer(), {
    version: agreedVersion(request),
    features: 0,
    sessionId: BigInt(caller.number),
    databaseId: log.databaseId,
    epoch: log.epoch,
    maxFrameBytes: config.maxFrameBytes,
    maxResponseRows: config.maxResponseRows,
    maxResponseBytes: config.maxResponseBytes,
    lockLeaseMsMax: config.lockLeaseMsMax,
    maxInFlight: config.maxInFlight,
    serverVersion: service.version,
    durability: database.durability,
  });
  call.done();
}

/** The last answer of a session: it leaves after those of what is in flight, and then the connection ends. */
export function disconnect(call: Call): void {
  decodeEmpty(call.reader);
  call.answer();
  call.done(call.caller.heldCount === 0 ? 0 : call.database.lastAppended);
  call.caller.end();
}

export function operationStatus(call: Call): void {
  const { bytes } = call.reader;
  const offset = decodeOperationStatusRequest(call.reader);
  call.expectRoom();
  const { state } = call.database;
  const done = doneOperation(state, bytes.subarray(offset, offset + OPERATION_ID_SIZE));
  if (done === undefined) {
    encodeOperationStatusAnswer(call.answer(), { state: 'unknown' });
    call.done();
    return;
  }
  const { opcode, lsn, timeMs } = done;
  const changes = done.changes.map(({ tableId, rowId, version }) => ({ table: state.catalog.byId(tableId).name, rowId, version }));
  encodeOperationStatusAnswer(call.answer(), { state: 'done', opcode, lsn, timeMs, changes });
  call.done(lsn);
}

/** Answers when everything that was appended before is durable. */
export function checkpoint(call: Call): void {
  decodeEmpty(call.reader);
  call.expectRoom();
  const { caller, opcode, requestId } = call;
  call.inEngine = true;
  const marked = call.database.checkpoint();
  caller.heldCount += 1;
  marked.then(
    (lsn) => call.settle({ opcode, requestId }, undefined, (out) => encodeCheckpointAnswer(out, lsn)),
    (error: unknown) => {
      if (!(error instanceof KLaniError)) throw error;
      call.settle({ opcode, requestId }, error, () => undefined);
    },
  );
}

export function stats(call: Call): void {
  decodeEmpty(call.reader);
  encodeJsonAnswer(call.answer(), JSON.stringify({ ...call.database.stats(), server: call.service.stats() }));
  call.done();
}
