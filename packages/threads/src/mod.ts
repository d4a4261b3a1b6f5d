export { attach, type AttachOptions } from './attach.ts';
export { AttachedBatch, type ChangeGuard } from './attached-batch.ts';
export { AttachedDatabase, type AttachedClaimLine } from './attached-database.ts';
export { AttachedTable } from './attached-table.ts';
export { ATTACHED_THREADS_MAX, share } from './sharing.ts';
export type { ThreadHandle } from './thread-handle.ts';
