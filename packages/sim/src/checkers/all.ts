/** Every checker. */
import type { Checker } from '../record/evidence.ts';
import { acknowledged } from './acknowledged.ts';
import { archive } from './archive.ts';
import { backups } from './backups.ts';
import { damage } from './damage.ts';
import { guards } from './guards.ts';
import { hashChain } from './hash-chain.ts';
import { indexes } from './indexes.ts';
import { linearizable } from './linearizable.ts';
import { locks } from './locks.ts';
import { neverTakenBack } from './never-taken-back.ts';
import { resources } from './resources.ts';
import { snapshots } from './snapshots.ts';
import { retention } from './retention.ts';
import { soldOnce } from './sold-once.ts';
import { uniqueKeys } from './unique-keys.ts';

export const CHECKERS: readonly Checker[] = [
  acknowledged,
  neverTakenBack,
  soldOnce,
  linearizable,
  snapshots,
  locks,
  guards,
  uniqueKeys,
  indexes,
  hashChain,
  damage,
  retention,
  archive,
  backups,
  resources,
];
