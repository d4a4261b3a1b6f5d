/** Every checker. */
import type { Checker } from '../record/evidence.ts';
import { acknowledged } from './acknowledged.ts';
import { snapshots } from './snapshots.ts';
import { soldOnce } from './sold-once.ts';

export const CHECKERS: readonly Checker[] = [acknowledged, snapshots, soldOnce];
