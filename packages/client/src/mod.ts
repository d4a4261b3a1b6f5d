export {
  defineTable,
  type DynamicSchema,
  ERRORS,
  type ErrorCode,
  type FieldValue,
  type HandshakeAnswer,
  type IndexedFieldOf,
  KLaniError,
  type NewRowOf,
  type OperationChange,
  type RangeFieldOf,
  type Retry,
  type RowOf,
  type TableDefinition,
  type TableEntry,
  type TableSchema,
  type TermOf,
} from '@k-lani/protocol';
export type { BackOffLimits } from './back-off.ts';
export { type Batch, type BatchResult, type ChangeCondition } from './batch.ts';
export type { ClaimedRow, ClaimOptions, ClaimResult } from './claim.ts';
export { type Client, type ClientOptions, openClient } from './client.ts';
export { connect } from './connect.ts';
export type { PageOptions } from './cursor.ts';
export type { OperationStatus } from './database-requests.ts';
export { type Environment, platformEnvironment } from './environment.ts';
export type { ChangeName, Version } from './history.ts';
export type { LockedWriteOptions, LockOptions, RemoteLock } from './lock.ts';
export type { Report } from './read-requests.ts';
export type { CallOptions } from './request.ts';
export type { Change, VersionedRow } from './rows.ts';
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
export type { WriteOptions } from './write-requests.ts';
