/**
 * What a bad disk does to a server in the midst of a storm. Each asserts what a client sees, restarts the server, and lets the storm go on
 * where it can.
 *
 * | trouble | what must hold |
 * | --- | --- |
 * | the disk is full | writes answer `DiskFull`; reads go on; a server killed meanwhile starts again or says `DiskFull`; with room, writes go on by themselves |
 * | the file system turns read-only | what is in flight ends as `OutcomeUnknown`, then the writer refuses for good (`WriterFailed`) and says what to do; reads go on |
 * | the device fails | the same, after a sync that failed; and also when the device takes writes again: only a restart helps |
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Fate, KillableServer } from '../storm/killable-server.ts';
import type { StormState } from '../storm/storm-state.ts';
import { moreSales } from './moments.ts';
import { type Attempt, Probe } from './probe.ts';
import { WORKERS_OF_ROUND } from './round.ts';
import type { SmallDisk } from './small-disk.ts';
import type { Trouble, TroubleLog } from './trouble.ts';

/** How long a full disk lasts after it was noticed. */
const FULL_MS = 300;
/** After this time a process that was stopped has left the system calls that it was in. */
const SETTLE_MS = 100;
/** What a writer that has failed must say to whoever is woken. */
const WHAT_TO_DO = /restart/i;

/** Workers end with this when the writer has failed: expected here. */
export function isWriterFailure(failure: string): boolean {
  return failure.includes('Cannot write any more');
}

/** What a bad disk is told. */
export interface BadDiskPlan {
  readonly disk: SmallDisk;
  /** Sales before the trouble begins. */
  readonly salesBefore: number;
}

abstract class BadDisk<Row, Term> implements Trouble<Row, Term> {
  protected readonly disk: SmallDisk;
  protected readonly log: TroubleLog;
  readonly #salesBefore: number;

  constructor({ disk, salesBefore }: BadDiskPlan, log: TroubleLog) {
    this.disk = disk;
    this.log = log;
    this.#salesBefore = salesBefore;
  }

  async during(server: KillableServer, state: StormState<Row, Term>, over: AbortSignal): Promise<void> {
    await using probe = await Probe.open(server.address);
    await probe.append();
    await moreSales(state, this.#salesBefore, over);
    this.log.expect(!over.aborted, 'The storm was over before the trouble began');
    if (!over.aborted) await this.harm(server, state, probe);
  }

  protected abstract harm(server: KillableServer, state: StormState<Row, Term>, probe: Probe): Promise<void>;

  protected async expectReads(probe: Probe, when: string): Promise<void> {
    const missing = await probe.missing();
    this.log.expect(missing === 0, `${missing} acknowledged rows of the probe were not there ${when}`);
  }

  protected async restart(server: KillableServer, state: StormState<Row, Term>, fate: Fate): Promise<void> {
    state.mark('kill');
    const death = await server.killAndRestart(fate);
    state.mark('restarted');
    this.log.noteDeath(fate, death);
  }
}

/** There is no room for the next segment. */
export class FullDisk<Row, Term> extends BadDisk<Row, Term> {
  protected async harm(server: KillableServer, state: StormState<Row, Term>, probe: Probe): Promise<void> {
    const { disk, log } = this;
    disk.fill();
    const refused = await probe.appendUntilRefused();
    log.expect(refused?.outcome === 'DiskFull', `On a full disk a write was answered ${told(refused)}, must be DiskFull`);
    await this.expectReads(probe, 'while the disk was full');
    const soldBefore = state.sales.length;
    await delay(FULL_MS);
    log.expect((await probe.append()).outcome === 'DiskFull', 'On a disk that stayed full a write was not answered DiskFull');
    disk.makeRoom();
    const answer = await probe.appendUntilDone();
    log.expect(answer.outcome === 'done', `With room again a write was answered ${told(answer)}, must be done`);
    await moreSales(state, 1, AbortSignal.timeout(10_000));
    log.expect(state.sales.length > soldBefore, 'With room again nothing more was sold');
    disk.fill();
    await probe.appendUntilRefused();
    await this.restart(server, state, {
      meanwhile: async (tryStart) => {
        const reason = await tryStart();
        log.expect(reason === undefined || reason.includes('DiskFull'), `On a full disk a server did not start, and said: ${reason}`);
        disk.makeRoom();
      },
    });
    await this.expectReads(probe, 'after the restart');
  }
}

/** The writer fails for good. */
abstract class FailedWriter<Row, Term> extends BadDisk<Row, Term> {
  protected async harm(server: KillableServer, state: StormState<Row, Term>, probe: Probe): Promise<void> {
    const { disk, log } = this;
    state.mark('stop', WORKERS_OF_ROUND);
    // Nothing may be under way while the device is broken: holes must be dug where nothing was written, not where something just is.
    await server.pauseWhile(async () => {
      await delay(SETTLE_MS);
      this.breakDisk();
    });
    const first = await probe.appendUntilRefused();
    log.expect(
      first?.outcome === 'OutcomeUnknown' || first?.outcome === 'WriterFailed',
      `After a write or sync that failed a write was answered ${told(first)}, must be OutcomeUnknown or WriterFailed`,
    );
    await this.#expectRefusal(probe, 'after the failure');
    await this.expectReads(probe, 'after the writer had failed');
    log.expect(typeof (await probe.failure()) === 'string', 'The counters do not name the failure');
    disk.mendWrites();
    await this.#expectRefusal(probe, 'when the device took writes again');
    await this.expectReads(probe, 'when the device took writes again');
    await this.restart(server, state, { meanwhile: async () => disk.repair() });
    await this.expectReads(probe, 'after the restart');
    const answer = await probe.append();
    log.expect(answer.outcome === 'done', `After the restart a write was answered ${told(answer)}, must be done`);
  }

  protected abstract breakDisk(): void;

  async #expectRefusal(probe: Probe, when: string): Promise<void> {
    const answer = await probe.append();
    this.log.expect(answer.outcome === 'WriterFailed', `A write ${when} was answered ${told(answer)}, must be WriterFailed`);
    this.log.expect(WHAT_TO_DO.test(answer.message), `The refusal does not say what to do: ${answer.message}`);
  }
}

export class ReadOnlyDisk<Row, Term> extends FailedWriter<Row, Term> {
  protected breakDisk(): void {
    this.disk.turnReadOnly();
  }
}

export class FailingDevice<Row, Term> extends FailedWriter<Row, Term> {
  protected breakDisk(): void {
    this.disk.breakWrites();
  }
}

function told(answer: Attempt | undefined): string {
  return answer === undefined ? 'done, again and again' : `${answer.outcome}: ${answer.message}`;
}
