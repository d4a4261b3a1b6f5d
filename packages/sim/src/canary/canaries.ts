/**
 * The canaries: faults to be planted, one at a time, into a process of the simulator, to see that a checker finds it. None of them is in the
 * sources: a process that is started with a canary (`plant.ts`) changes the text of one module as it loads it.
 *
 * 1. Each text that is looked for occurs exactly once in its file; `canaries.test.ts` holds the list to it, so that a change of the sources
 *    cannot disarm a canary unseen.
 * 2. A canary is a mistake that somebody could make: the database goes on with it, and only what it promises is broken.
 * 3. No checker, workload or part of the simulated world knows of canaries.
 */

/** A text of a module, and what stands in its place when the canary is planted. */
interface Edit {
  readonly find: string;
  readonly replace: string;
}

export interface Canary {
  readonly name: string;
  /** What is wrong when it is planted. */
  readonly breaks: string;
  /** The module, from the root of the repository. */
  readonly file: string;
  readonly edits: readonly Edit[];
  /** What runs it: the simulator, the interleaved reader of snapshots, or the model of compaction. */
  readonly foundBy: 'simulation' | 'interleaving' | 'compaction';
}

type Planted = Omit<Canary, 'foundBy' | 'edits'> & Edit;

const ENGINE = 'packages/engine/src';

/** Faults of a few words, in one place. */
const IN_ONE_PLACE: readonly Planted[] = [
  {
    name: 'acknowledge-before-sync',
    breaks: 'writes are answered when they are written, before the sync',
    file: `${ENGINE}/log/group-commit.ts`,
    find: '    this.#sync(segment, batch);\n',
    replace: '    batch.answer(undefined);\n    this.#sync(segment, batch);\n',
  },
  {
    name: 'skip-directory-sync',
    breaks: 'a new segment is written before its name is on the disk',
    file: `${ENGINE}/log/segment-files.ts`,
    find: '      this.#directory.sync();\n      return undefined;',
    replace: '      return undefined;',
  },
  {
    name: 'ignore-failed-sync',
    breaks: 'a sync that failed counts as done',
    file: `${ENGINE}/log/group-commit.ts`,
    find: '      if (error === undefined) this.#synced(batch);\n      else this.#fail(error);',
    replace: '      this.#synced(batch);',
  },
  {
    name: 'accept-torn-batch',
    breaks: 'recovery takes a batch whose records were not all written',
    file: `${ENGINE}/log/batch.ts`,
    find: `  if (!recordsMatchHash(bytes, at, length)) return 'its records do not match their hash';\n`,
    replace: '',
  },
  {
    name: 'skip-second-write-at-recovery',
    breaks: 'the last batch is synced again after a crash, but not written again',
    file: `${ENGINE}/log/log.ts`,
    find: '      file.write(bytes, start - base);\n',
    replace: '',
  },
  {
    name: 'drop-last-record-of-segment',
    breaks: 'replay passes over the last record of a segment',
    file: `${ENGINE}/log/log.ts`,
    find: 'this.forEachRecord(position + BATCH_HEADER_SIZE, position + length, visit);',
    replace: `let last = 0;
        this.forEachRecord(position + BATCH_HEADER_SIZE, position + length, (record) => (last = record));
        const isLast = position + length >= end;
        this.forEachRecord(position + BATCH_HEADER_SIZE, position + length, (record) => (isLast && record === last ? undefined : visit(record)));`,
  },
  {
    name: 'skip-index-update-on-replay',
    breaks: 'replay forgets one index when it comes to some of the replaced rows',
    file: `${ENGINE}/snapshot/replay.ts`,
    find: '    side.apply(position);\n  }\n',
    replace: `    side.apply(position);
    const declaration = kind === RecordKind.replace && (position / 8) % 3 === 0 ? catalog.byId(tableId).indexes[0] : undefined;
    if (declaration === undefined) return;
    const key = new Uint32Array(declaration.keyWords);
    catalog.byId(tableId).keyOfRecord(source, source.record(position), declaration, key);
    side.table(tableId).index(declaration.fieldIndex).remove(key, rowId);
  }
`,
  },
  {
    name: 'reuse-row-ids',
    breaks: 'after an opening, row ids of deleted rows are given again',
    file: `${ENGINE}/snapshot/replay.ts`,
    find: '      table.rowIdNext = Math.max(table.rowIdNext, rowId + 1);\n',
    replace:
      '      if (kind !== RecordKind.delete) table.rowIdNext = Math.max(table.rowIdNext, rowId + 1);\n      else if (table.rowIdNext === rowId + 1) table.rowIdNext = rowId;\n',
  },
  {
    name: 'forget-operations-on-replay',
    breaks: 'operation ids from before a crash are not known after it',
    file: `${ENGINE}/snapshot/replay.ts`,
    find: '    if (this.#beginsOperation && bearsOperation(kind) && !isMoved(view, at)) {',
    replace: '    if (false) {',
  },
  {
    name: 'repeat-operation',
    breaks: 'an operation that comes again under its id is carried out again',
    file: `${ENGINE}/snapshot/operation-window.ts`,
    find: 'if (this.#hashes[place - 1] === hash && this.#matches(position, id)) return position;',
    replace: 'if (this.#hashes[place - 1] === hash && this.#matches(position, id)) return 0;',
  },
  {
    name: 'repeated-answer-before-durable',
    breaks: 'an operation that comes again is answered before its first coming is durable',
    file: `${ENGINE}/embedded/embedded-session.ts`,
    find: '{ answer: again(done, operation), dependsOn: done.lsn }',
    replace: '{ answer: again(done, operation), dependsOn: 0 }',
  },
  {
    name: 'refusal-before-durable',
    breaks: 'a claim is told that nothing is left before the sale that took the last row is durable',
    file: `${ENGINE}/database/claimer.ts`,
    find: `return { outcome: 'none_available', line: place, dependsOn: this.#dependsOn };`,
    replace: `return { outcome: 'none_available', line: place, dependsOn: 0 };`,
  },
  {
    name: 'locked-read-before-durable',
    breaks: 'who holds a lock is shown the row before its last change is durable',
    file: `${ENGINE}/database/latest-reader.ts`,
    find: 'return Math.abs(this.#state.overlay(table.id).get(rowId));',
    replace: 'return 0;',
  },
  {
    name: 'overlay-not-consulted',
    breaks: 'a claim takes rows that were taken by a claim which is not durable yet',
    file: `${ENGINE}/database/claimer.ts`,
    find: 'this.#intersection.begin(side, line.terms, this.#state.overlay(line.table.id).rows, 1, first);',
    replace: 'this.#intersection.begin(side, line.terms, undefined, 1, first);',
  },
  {
    name: 'overlay-forgets-too-early',
    breaks: 'a row leaves the overlay although a later change of it is not durable',
    file: `${ENGINE}/snapshot/overlay.ts`,
    find: '    if (Math.abs(this.#positions.get(rowId)) !== position) return;\n',
    replace: '    if (this.#positions.get(rowId) === 0) return;\n',
  },
  {
    name: 'claim-ignores-locks',
    breaks: 'a claim takes rows that somebody has locked',
    file: `${ENGINE}/database/claimer.ts`,
    find: '    if (!locks.hasLocks(table.id)) return true;\n',
    replace: '    return true;\n',
  },
  {
    name: 'lock-granted-twice',
    breaks: 'a lock is granted although another one of the row holds',
    file: `${ENGINE}/lock/lock-table.ts`,
    find: '    if (this.find(tableId, rowId) !== undefined) return undefined;\n',
    replace: '',
  },
  {
    name: 'lease-not-checked-at-append',
    breaks: 'a write under a lock is taken after its lease has ended',
    file: `${ENGINE}/lock/lock-table.ts`,
    find: '    const lock = this.find(row.tableId, row.rowId);\n',
    replace: '    const lock = this.#tables[row.tableId]?.get(row.rowId);\n',
  },
  {
    name: 'lease-never-ends',
    breaks: 'a lock that nobody gives back is held for good',
    file: `${ENGINE}/lock/lock-table.ts`,
    find: 'if (lock === undefined || lock.leaseEndMs > this.#clock.monotonicMs()) return lock;',
    replace: 'if (lock === undefined || lock.leaseEndMs > 0) return lock;',
  },
  {
    name: 'forget-lock-release',
    breaks: 'a replace that should give the lock back keeps it',
    file: `${ENGINE}/database/writer.ts`,
    find: 'if (lock !== undefined && (change.unlock || kind === RecordKind.delete)) this.#state.locks.release(lock);',
    replace: 'if (lock !== undefined && kind === RecordKind.delete) this.#state.locks.release(lock);',
  },
  {
    name: 'reuse-fencing-token',
    breaks: 'fencing tokens begin again with every opening',
    file: `${ENGINE}/lock/lock-table.ts`,
    find: 'Math.floor(this.#counter / 2 ** 32) + this.#epoch * 2 ** (COUNTER_BITS - 32)',
    replace: 'Math.floor(this.#counter / 2 ** 32)',
  },
  {
    name: 'version-not-checked',
    breaks: 'a replace or delete with `ifVersion` overwrites what came after that version',
    file: `${ENGINE}/database/writer.ts`,
    find: 'if (change.ifVersion !== 0 && change.ifVersion !== versionBefore) {',
    replace: 'if (change.ifVersion > versionBefore) {',
  },
  {
    name: 'unique-check-outside-batch',
    breaks: 'two rows of one batch may have the same unique key',
    file: `${ENGINE}/database/unique-check.ts`,
    find: `    if (given.find(claim.key) !== 0) throw duplicateKey(claim, 'another row of the same request has it');\n`,
    replace: '',
  },
  {
    name: 'unique-check-without-overlay',
    breaks: 'a unique key that is taken, but not durably yet, is given again',
    file: `${ENGINE}/database/unique-check.ts`,
    find: 'return pending !== 0 && this.#keeps(claim, pending) ? pending : 0;',
    replace: 'return 0;',
  },
  {
    name: 'batch-records-stand-alone',
    breaks: 'each record of a batch says that it is the last of its operation',
    file: `${ENGINE}/database/writer.ts`,
    find: 'this.#append(operation, change, found[place] as Found, place === last)',
    replace: 'this.#append(operation, change, found[place] as Found, true)',
  },
  {
    name: 'negative-keys-in-wrong-order',
    breaks: 'negative numbers come behind positive ones in ordered indexes',
    file: 'packages/protocol/src/key.ts',
    find: '      out[first] = view.getInt32(offset, true) ^ SIGN;',
    replace: '      out[first] = view.getInt32(offset, true);',
  },
  {
    name: 'lost-delete',
    breaks: 'a deleted row is found by its id all the same',
    file: `${ENGINE}/snapshot/side.ts`,
    find: '    side.locations.set(rowId, isLive ? position : -position);\n',
    replace: '    if (isLive) side.locations.set(rowId, position);\n',
  },
  {
    name: 'deleted-row-stays-in-index',
    breaks: 'indexes keep the keys of deleted rows',
    file: `${ENGINE}/snapshot/side.ts`,
    find: '      if (wasLive) index.remove(keyBefore, rowId);\n',
    replace: '      if (wasLive && isLive) index.remove(keyBefore, rowId);\n',
  },
  {
    name: 'side-not-caught-up',
    breaks: 'the side that readers have left lacks some batches when they come back to it',
    file: `${ENGINE}/snapshot/left-right.ts`,
    find: '    else this.#applyTo(this.#hidden, start, end);\n',
    replace: '    else if (start % 128 !== 0) this.#applyTo(this.#hidden, start, end);\n',
  },
  {
    name: 'side-end-not-told',
    breaks: 'a reader in another process takes its snapshot for an older one than it is',
    file: `${ENGINE}/snapshot/left-right.ts`,
    find: '    side.endAt(end);\n',
    replace: '',
  },
  {
    name: 'cursor-sees-later-changes',
    breaks: 'a cursor yields rows as they are now, not as they were at its lsn',
    file: `${ENGINE}/database/history.ts`,
    find: '  while (Math.abs(position) >= lsn) {',
    replace: '  while (position === Infinity) {',
  },
];

/** Faults of the server's sessions and of the client: the engine does what it should. */
const OVER_THE_WIRE: readonly Planted[] = [
  {
    name: 'server-answers-before-durable',
    breaks: 'the server sends an answer before what it depends on is durable',
    file: 'packages/server/src/call.ts',
    find: '    if (!this.database.isDurable(position)) this.service.held.hold(this.caller, position, this.#start);\n',
    replace: '',
  },
  {
    name: 'locks-outlive-session',
    breaks: 'the server forgets to give the locks of a session back that has ended',
    file: 'packages/server/src/session.ts',
    find: '    this.#service.database.state.locks.releaseAll(this.owner);\n',
    replace: '',
  },
  {
    name: 'claim-repeated-as-new',
    breaks: 'a client whose connection broke sends its claim again under another operation id',
    file: 'packages/client/src/claim.ts',
    find: '    super.encodeAgain(writer, request);\n',
    replace: '    super.encodeAgain(writer, request);\n    writer.bytes[start] ^= 1;\n',
  },
];

/** Faults that need more than one place. */
const IN_SEVERAL_PLACES: readonly Omit<Canary, 'foundBy'>[] = [
  {
    name: 'stale-checkpoint-accepted',
    breaks: 'an old checkpoint is taken for the state before the newest segment',
    file: `${ENGINE}/checkpoint/checkpoint-files.ts`,
    edits: [
      {
        find: 'find(({ index }) => index === place.segment)?.header;',
        replace: 'findLast((segment) => segment.header !== undefined)?.header;',
      },
      {
        find: 'const isSame = header.sizeBytes === place.segmentSizeBytes && start?.end === place.end',
        replace: 'const isSame = start !== undefined',
      },
      { find: ' && equalBytes(start.hash, place.hash);', replace: ';' },
    ],
  },
  {
    name: 'publish-before-durable',
    breaks: 'readers see a batch while its sync still runs',
    file: `${ENGINE}/log/group-commit.ts`,
    edits: [
      { find: '    this.#options.onDurable(batch);\n', replace: '' },
      { find: '    this.#sync(segment, batch);\n', replace: '    this.#options.onDurable(batch);\n    this.#sync(segment, batch);\n' },
    ],
  },
];

/** Faults that need a reader in another thread. */
const INTERLEAVED: readonly Planted[] = [
  {
    name: 'swap-without-drain',
    breaks: 'a side is changed although a reader is in it',
    file: `${ENGINE}/snapshot/left-right.ts`,
    find: '    this.#slots.drain(this.#hiddenSide);\n',
    replace: '',
  },
  {
    name: 'revoked-read-counts',
    breaks: 'a reader whose side was taken away keeps what it read',
    file: `${ENGINE}/snapshot/side-reader.ts`,
    find: '| SLOT_FREE) === stay;',
    replace: '| SLOT_FREE) !== 0;',
  },
  {
    name: 'side-entered-unchecked',
    breaks: 'a reader does not look again whether the side that it has entered is still visible',
    file: `${ENGINE}/snapshot/side-reader.ts`,
    find: '      if (this.#visibleSide() === side) return',
    replace: '      if (this.#word !== 0) return',
  },
];

/** Faults of giving up history. */
const COMPACTED: readonly Planted[] = [
  {
    name: 'retention-off-by-one',
    breaks: 'a segment is given up when its first record is old enough, not its last',
    file: `${ENGINE}/database/compactor.ts`,
    find: "if (history !== 'latest' && next.timeMs >= clock.wallMs() - history.days * DAY_MS) return undefined;",
    replace: "if (history !== 'latest' && oldest.timeMs >= clock.wallMs() - history.days * DAY_MS) return undefined;",
  },
  {
    name: 'operations-given-up',
    breaks: 'segments are given up although operations in the window are in them',
    file: `${ENGINE}/database/compactor.ts`,
    find: '    if (operation !== 0 && operation < next.index * log.segmentSizeBytes) return undefined;\n',
    replace: '',
  },
  {
    name: 'old-version-moved',
    breaks: 'compaction moves versions that are not the latest, which then are',
    file: `${ENGINE}/database/compactor.ts`,
    find: '    if (latest !== position) return 0;\n',
    replace: '    if (latest === undefined || latest < position) return 0;\n',
  },
];

export const CANARIES: readonly Canary[] = [
  ...IN_ONE_PLACE.map((canary) => canaryOf(canary, 'simulation')),
  ...OVER_THE_WIRE.map((canary) => canaryOf(canary, 'simulation')),
  ...IN_SEVERAL_PLACES.map((canary) => ({ ...canary, foundBy: 'simulation' as const })),
  ...COMPACTED.map((canary) => canaryOf(canary, 'compaction')),
  ...INTERLEAVED.map((canary) => canaryOf(canary, 'interleaving')),
];

function canaryOf({ find, replace, ...canary }: Planted, foundBy: Canary['foundBy']): Canary {
  return { ...canary, edits: [{ find, replace }], foundBy };
}

/** The canary of this name. */
export function canaryNamed(name: string): Canary {
  const canary = CANARIES.find((each) => each.name === name);
  if (canary === undefined)
    throw new RangeError(`There is no canary "${name}", must be one of ${CANARIES.map((each) => each.name).join(', ')}`);
  return canary;
}

/** The text of a module with a canary in it. */
export function planted(text: string, { name, edits }: Canary): string {
  let result = text;
  for (const { find, replace } of edits) {
    const count = text.split(find).length - 1;
    if (count !== 1) throw new RangeError(`Cannot plant canary ${name}: ${JSON.stringify(find)} occurs ${count} times, must be 1`);
    result = result.replace(find, () => replace);
  }
  return result;
}
