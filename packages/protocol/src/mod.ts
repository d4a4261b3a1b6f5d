export { ByteReader } from './bytes-reader.ts';
export { ByteWriter, type ByteWriterOptions } from './bytes-writer.ts';
export { utf8SizeBytes } from './bytes-utf8.ts';
export {
  BATCH_CHANGE_HANDLE_OFFSET,
  type BatchChange,
  type BatchCommitAnswer,
  type BatchCommitRequest,
  beginBatchChange,
  beginBatchCommit,
  type ChangedRow,
  decodeBatchCommitAnswer,
  decodeBatchCommitRequest,
  encodeBatchCommitAnswer,
  encodeChangedRow,
  endBatchChange,
  type WireBatchChange,
} from './command/batch-commit.ts';
export { ChangeKind, type ChangeKindNumber } from './command/change-kind.ts';
export {
  type ClaimAnswer,
  type ClaimLineSource,
  type ClaimRequest,
  decodeClaimAnswer,
  decodeClaimRefusal,
  decodeClaimRequest,
  encodeClaimAnswer,
  encodeClaimedCount,
  encodeClaimedRowBytes,
  encodeClaimLine,
  encodeClaimRefusal,
  encodeClaimRequest,
  type WireAssignment,
  type WireClaimedRow,
  type WireClaimLine,
} from './command/claim.ts';
export {
  beginPage,
  decodeCursorRequest,
  decodePageAnswer,
  decodeScanRequest,
  decodeStreamRequest,
  encodeCursorRequest,
  encodeScanRequest,
  endPage,
  type PageAnswer,
  type ScanRequest,
  type StreamRequest,
} from './command/cursor-commands.ts';
export { fencingToken, fencingTokenHigh, fencingTokenLow } from './command/fencing-token.ts';
export {
  agreedVersion,
  DATABASE_ID_SIZE,
  decodeHandshakeAnswer,
  decodeHandshakeRequest,
  type Durability,
  encodeHandshakeAnswer,
  encodeHandshakeRequest,
  type HandshakeAnswer,
  type HandshakeRequest,
} from './command/handshake.ts';
export { beginCount, endCount } from './command/list.ts';
export { formatOperationId, parseOperationId } from './command/operation-id.ts';
export {
  decodeOperationStatusAnswer,
  decodeOperationStatusRequest,
  encodeOperationStatusAnswer,
  encodeOperationStatusRequest,
  type OperationChange,
  type OperationStatusAnswer,
} from './command/operation-status.ts';
export {
  decodeCountAnswer,
  decodeFetchRequest,
  decodeHistoryAnswer,
  decodeHistoryRequest,
  decodeQueryIntersectRequest,
  decodeRowIds,
  decodeSeekByFieldRequest,
  decodeSeekByPredicateRequest,
  decodeSeekRequest,
  decodeTermsRequest,
  encodeCountAnswer,
  encodeFetchRequest,
  encodeHistoryRequest,
  encodeQueryIntersectRequest,
  encodeRowIds,
  encodeSeekByFieldRequest,
  encodeSeekByPredicateRequest,
  encodeSeekRequest,
  encodeTermsRequest,
  encodeVersion,
  type FetchRequest,
  type FieldQuery,
  type HistoryRequest,
  type QueryIntersectRequest,
  type SeekByFieldRequest,
  type SeekByPredicateRequest,
  type SeekRequest,
  type TermsRequest,
  type VersionSource,
  type WireVersion,
} from './command/read-commands.ts';
export {
  decodeCheckpointAnswer,
  decodeEmpty,
  decodeErrorAnswer,
  decodeJsonAnswer,
  encodeCheckpointAnswer,
  encodeErrorAnswer,
  encodeJsonAnswer,
} from './command/system-commands.ts';
export {
  type AlterTableRequest,
  type CreateTableRequest,
  decodeAlterTableAnswer,
  decodeAlterTableRequest,
  decodeCreateTableRequest,
  decodeHandleRequest,
  decodeListTablesAnswer,
  decodeOpenedTable,
  decodeOpenTableRequest,
  decodeStoredSchema,
  encodeAlterTableAnswer,
  encodeAlterTableRequest,
  encodeCreateTableRequest,
  encodeHandleRequest,
  encodeListTablesAnswer,
  encodeOpenedTable,
  encodeOpenTableRequest,
  encodeStoredSchema,
  type OpenedTable,
  type StoredSchema,
  type TableEntry,
} from './command/table-commands.ts';
export { decodeTerm, decodeTerms, encodeTerm, encodeTerms, type LayoutSource, NO_SLOT, TermForm, type WireTerm } from './command/term.ts';
export {
  decodeRows,
  decodeSeekAnswer,
  decodeVersionedRow,
  encodeVersionedRow,
  type RowSource,
  type WireRow,
} from './command/versioned-row.ts';
export {
  type AppendRequest,
  type ChangeAnswer,
  decodeAppendRequest,
  decodeChangeAnswer,
  decodeDeleteRequest,
  decodeLockAnswer,
  decodeLockRequest,
  decodeReplaceRequest,
  decodeUnlockRequest,
  type DeleteRequest,
  encodeAppendRequest,
  encodeChangeAnswer,
  encodeDeleteRequest,
  encodeLockAnswer,
  encodeLockRequest,
  encodeReplaceRequest,
  encodeUnlockRequest,
  type LockAnswer,
  type LockRequest,
  type ReplaceRequest,
  type RowTarget,
  type UnlockRequest,
} from './command/write-commands.ts';
export { type ErrorCode, errorCodeOf, errorCodes, type ErrorDetails, ERRORS, KLaniError, type Retry } from './errors.ts';
export { showValue } from './field-error.ts';
export { exactNumber, fieldValueFromJson, fieldValueFromText, fieldValueToJson, type JsonFieldValue } from './field-json.ts';
export {
  BLOB_SIZE_BYTES_MAX,
  type Field,
  type FieldType,
  type FieldValue,
  type FieldValues,
  INDEX_KINDS,
  INDEXED_STRING_SIZE_BYTES_MAX,
  type IndexKind,
  SCALE_MAX,
  STRING_SIZE_BYTES_MAX,
  TypeCode,
} from './field.ts';
export { type FrameDirection, FrameParser, type FrameParserOptions } from './frame-parser.ts';
export { beginFrame, endFrame } from './frame-writer.ts';
export { FRAME_FLAG_ANSWER, FRAME_HEADER_SIZE, FrameOffset, HANDSHAKE_MAGIC, MAX_FRAME_BYTES, PROTOCOL_VERSION } from './frame.ts';
export { compareKeys, decrementKey, highestKey, incrementKey, keyFromRow, keyFromSlot, keyWordsOf, lowestKey } from './key.ts';
export { LAYOUT_HASH } from './layout-hash.ts';
export {
  ASSIGNMENTS_MAX,
  CLAIM_LINES_MAX,
  CLAIM_ROWS_MAX,
  CLIENT_NAME_BYTES_MAX,
  CREDENTIALS_BYTES_MAX,
  OPERATION_ID_SIZE,
  TERMS_MAX,
} from './limits.ts';
export { Opcode, type OpcodeName, opcodeName, type OpcodeNumber } from './opcode.ts';
export { decodeField, decodeRow, encodeRow, validateRow } from './row-codec.ts';
export { assignFieldSlot, decodeFieldSlot, encodeFieldSlot, validateFieldSlot } from './row-field-slot.ts';
export { expectIndexed, type FieldLayout, fieldLayoutAt, fieldPositionOf, isNullField, type RowLayout, rowLayoutOf } from './row-layout.ts';
export { upgradeRow } from './row-upgrade.ts';
export { canEvolve, evolutionObstacles, schemaDifferences } from './schema-difference.ts';
export { decodeSchema, encodeSchema } from './schema-json.ts';
export {
  type DynamicSchema,
  type EqualityTerm,
  type FieldDefinition,
  type FieldDefinitions,
  type FieldValueOf,
  type IndexedFieldOf,
  type NewRowOf,
  type RangeFieldOf,
  type RangeTerm,
  type RowOf,
  type TableDefinition,
  type TableSchema,
  type TermOf,
} from './schema-types.ts';
export {
  checkSchema,
  defineTable,
  FIELD_NAME_SIZE_BYTES_MAX,
  FIELDS_MAX,
  type RawField,
  type RawSchema,
  ROW_FIXED_SIZE_BYTES_MAX,
  SCHEMA_VERSION_MAX,
  schemaError,
  type SchemaPath,
  type SchemaProblem,
  TABLE_NAME_SIZE_BYTES_MAX,
} from './schema.ts';
export type {
  BatchResult,
  ClaimedRow,
  ClaimResult,
  Explanation,
  OperationStatus,
  RowVersion,
  TableSummary,
  VersionedRow,
  WriteResult,
} from './results.ts';
