/** What the workers of a run do: how often each step comes, by workload. */
import type { StepName } from './steps.ts';

export type WorkloadName =
  | 'concert by claims'
  | 'concert by locks'
  | 'holiday by claims'
  | 'holiday by locks'
  | 'batches'
  | 'members'
  | 'hot rows'
  | 'churn'
  | 'everything';

type Weights = Readonly<Partial<Record<StepName, number>>>;

const READS: Weights = { seek: 2, query: 2, count: 1, scan: 1, history: 1, status: 1 };
const REPEATS: Weights = { askAgain: 3 };

export const WORKLOADS: Readonly<Record<WorkloadName, Weights>> = {
  'concert by claims': { ...READS, ...REPEATS, claimSeat: 12, claimFavourite: 12, claimOrder: 3, checkpoint: 1 },
  'concert by locks': { ...READS, ...REPEATS, buySeatByLock: 20 },
  'holiday by claims': { ...READS, ...REPEATS, claimRoom: 20, claimOrder: 3 },
  'holiday by locks': { ...READS, ...REPEATS, buyRoomByLock: 20 },
  batches: { ...READS, ...REPEATS, changeTogether: 15, addMember: 5, claimOrder: 3 },
  members: { ...READS, ...REPEATS, addMember: 10, changeMember: 10, removeMember: 6, changeTogether: 4 },
  'hot rows': { ...READS, ...REPEATS, raiseMember: 30, addMember: 5, changeMember: 5, removeMember: 1 },
  churn: { ...READS, ...REPEATS, addMany: 8, removeMany: 8, raiseMember: 3, claimSeat: 4, buySeatByLock: 2, checkpoint: 1 },
  everything: {
    ...READS,
    ...REPEATS,
    claimSeat: 4,
    claimFavourite: 4,
    claimRoom: 4,
    claimOrder: 4,
    buySeatByLock: 4,
    buyRoomByLock: 3,
    addMember: 5,
    changeMember: 4,
    removeMember: 3,
    changeTogether: 5,
    raiseMember: 4,
    alterSeats: 1,
    checkpoint: 1,
  },
};
