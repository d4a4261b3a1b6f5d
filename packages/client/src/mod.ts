export {
  defineTable,
  type BatchResult,
  type ClaimedRow,
  type ClaimResult,
  type DynamicSchema,
  ERRORS,
  type ErrorCode,
  type Explanation,
  type FieldValue,
  type HandshakeAnswer,
  type IndexedFieldOf,
  KLaniError,
  type NewRowOf,
  type OperationStatus,
  type RangeFieldOf,
  type Retry,
  type RowOf,
  type RowVersion,
  type TableDefinition,
  type TableSchema,
  type TableSummary,
  type TermOf,
  type VersionedRow,
  type WriteResult,
} from '@k-lani/protocol';
export type { BackOffLimits } from './back-off.ts';
export type { Batch, ChangeCondition } from './batch.ts';
export type { ClaimOptions } from './claim.ts';
export { type Client, type ClientOptions, openClient } from './client.ts';
export { connect } from './connect.ts';
export type { PageOptions } from './cursor.ts';
export { type Environment, platformEnvironment } from './environment.ts';
export type { LockedWriteOptions, LockOptions, RemoteLock } from './lock.ts';
export type { Report } from './read-calls.ts';
export type { CallOptions } from './request.ts';
export type {
  ClaimLine,
  ClaimLineOptions,
  HistoryOptions,
  LimitOptions,
  QueryOptions,
  RemoteTable,
  VersionedWriteOptions,
} from './table.ts';
export { tcpTransport } from './tcp-transport.ts';
export type { Link, LinkReceiver, Transport } from './transport.ts';
export type { WriteOptions } from './write-calls.ts';
