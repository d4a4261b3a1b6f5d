/**
 * The numbers of a storm, each with the lines of the raw log that it comes from. Percentiles are values that were measured: the one at rank
 * `ceil(share × count)` of all answers in order, on the line of its window.
 */
import {
  figuresOf,
  type LatencyNumber,
  middleOf,
  type NumberName,
  PEAK_WINDOW_US,
  type RawLog,
  READ_KINDS,
  REQUEST_KINDS,
  type RequestKind,
  UPDATE_KINDS,
} from '@k-lani/bench';
import type { StormFile } from '../raw/log-file.ts';
import { type Cell, compute, type LineRange, type Quantity } from '../raw/quantity.ts';

const SHARES: Readonly<Record<Exclude<LatencyNumber, 'count'>, number>> = {
  p50Us: 0.5,
  p90Us: 0.9,
  p99Us: 0.99,
  p999Us: 0.999,
  maxUs: 1,
};

/** Lines of a storm's log by kind, counted from 1, in order. */
export type LinesByKind = ReadonlyMap<string, readonly number[]>;

/** The numbers of every line of a raw log, by the line's kind. */
export function linesByKind(text: string): LinesByKind {
  const lines = new Map<string, number[]>();
  for (const [index, line] of text.split('\n').entries()) {
    const [, kind] = /^\{"(\w+)"/.exec(line) ?? [];
    if (kind === undefined) continue;
    const numbers = lines.get(kind);
    if (numbers === undefined) lines.set(kind, [index + 1]);
    else numbers.push(index + 1);
  }
  return lines;
}

/** Every number that a page says of a storm. */
export function stormQuantities({ name, text, log }: StormFile): ReadonlyMap<NumberName, Quantity> {
  return new StormQuantities(name, linesByKind(text), log).all();
}

class StormQuantities {
  readonly #file: string;
  readonly #lines: LinesByKind;
  readonly #log: RawLog;
  readonly #quantities = new Map<NumberName, Quantity>();

  constructor(file: string, lines: LinesByKind, log: RawLog) {
    this.#file = file;
    this.#lines = lines;
    this.#log = log;
  }

  all(): ReadonlyMap<NumberName, Quantity> {
    this.#addRun();
    this.#addCounts();
    this.#addMarks();
    for (const [index] of this.#log.run.groupSizes.entries()) this.#addGroup(index + 1);
    this.#addLatencies('read', READ_KINDS);
    this.#addLatencies('update', UPDATE_KINDS);
    for (const kind of REQUEST_KINDS) this.#addLatencies(kind, [kind]);
    return this.#quantities;
  }

  #addRun(): void {
    const { run, machine, end } = this.#log;
    for (const name of ['buyers', 'workers', 'connections'] as const) this.#put(name, this.#read('run', 0, run[name], [name]));
    this.#put('cores', this.#read('machine', 0, machine.host.cores, ['host', 'cores']));
    for (const name of ['wallUs', 'lockConflicts', 'alreadySold', 'noTicket'] as const)
      this.#put(name, this.#read('end', 0, end[name], [name]));
    this.#put('failedWorkers', this.#read('end', 0, end.failures.length, ['failures', 'length']));
    const sizes = run.groupSizes.map((size, index) => this.#read('run', 0, size, ['groupSizes', index]));
    this.#put('total', compute('sum', sizes));
  }

  #addCounts(): void {
    const figures = figuresOf(this.#log);
    const ranges = this.#ranges('sale', 'unknown', 'row');
    for (const what of ['verifiedSold', 'doubleSold', 'lost', 'free'] as const)
      this.#put(what, { value: figures[what], lines: { rule: 'recount', what }, of: ranges });
    this.#put('sold', { value: figures.sold, lines: { rule: 'lines' }, of: this.#ranges('sale') });
    this.#put('unknown', { value: figures.unknown, lines: { rule: 'lines' }, of: this.#ranges('unknown') });
    const kinds = [...READ_KINDS, ...UPDATE_KINDS];
    const peak = { rule: 'peak', kinds, stretchUs: PEAK_WINDOW_US } as const;
    this.#put('peakQps', { value: figures.peakQps, lines: peak, of: this.#ranges('window') });
  }

  #addMarks(): void {
    const { marks } = this.#log;
    const inFlight = marks.flatMap((mark, index) =>
      mark.what === 'kill' || mark.what === 'stop' ? [this.#read('mark', index, mark.inFlight, ['inFlight'])] : [],
    );
    this.#put('unknownMax', compute('sum', inFlight));
    const find = (what: string): number => marks.findIndex((mark) => mark.what === what);
    const put = (name: NumberName, from: string, to: string): void => {
      const [start, end] = [find(from), find(to)];
      if (start < 0 || end < 0) return;
      const times = [end, start].map((index) => this.#read('mark', index, marks[index]?.timeUs ?? 0, ['timeUs']));
      this.#put(name, compute('difference', times));
    };
    put('outageUs', 'kill', 'restarted');
    put('lastOutageUs', 'last-kill', 'last-restarted');
    const kill = find('kill');
    if (kill >= 0) this.#put('soldAtKill', this.#read('mark', kill, marks[kill]?.sold ?? 0, ['sold']));
  }

  #addGroup(group: number): void {
    const { sales, rows, run } = this.#log;
    const places = sales.flatMap((sale, index) => (sale.group === group ? [index] : []));
    const [first, half, last] = [places[0], places[middleOf(places.length)], places.at(-1)];
    this.#put(`group ${group} size`, this.#read('run', 0, run.groupSizes[group - 1] ?? 0, ['groupSizes', group - 1]));
    const count: Quantity = {
      value: places.length,
      lines: { rule: 'lines where', index: 3, equals: group },
      of: this.#ranges('sale'),
    };
    this.#put(`group ${group} sold`, count);
    const row = rows.findIndex((one) => one.group === group);
    if (first !== undefined) this.#put(`group ${group} name`, this.#read('sale', first, group, [3]));
    else if (row >= 0) this.#put(`group ${group} name`, this.#read('row', row, group, [1]));
    const put = (name: 'firstUs' | 'halfUs' | 'lastUs', place: number | undefined): void => {
      const sale = place === undefined ? undefined : sales[place];
      if (place !== undefined && sale !== undefined) this.#put(`group ${group} ${name}`, this.#read('sale', place, sale.timeUs, [0]));
    };
    put('firstUs', first);
    put('halfUs', half);
    put('lastUs', last);
  }

  #addLatencies(name: RequestKind | 'read' | 'update', kinds: readonly RequestKind[]): void {
    const answers: { us: number; window: number; kind: RequestKind; index: number }[] = [];
    for (const [window, { latenciesUs }] of this.#log.windows.entries()) {
      for (const kind of kinds)
        for (const [index, us] of (latenciesUs.get(kind) ?? []).entries()) answers.push({ us, window, kind, index });
    }
    this.#put(`${name} count`, { value: answers.length, lines: { rule: 'answers', kinds }, of: this.#ranges('window') });
    answers.sort((left, right) => left.us - right.us);
    for (const [number, share] of Object.entries(SHARES)) {
      const answer = answers[Math.ceil(share * answers.length) - 1];
      if (answer === undefined) continue;
      const key: NumberName = `${name} ${number as LatencyNumber}`;
      this.#put(key, this.#read('window', answer.window, answer.us, [answer.kind, answer.index]));
    }
  }

  #put(name: NumberName, quantity: Quantity): void {
    this.#quantities.set(name, quantity);
  }

  /** A value of the line that is the `index`th of its kind. */
  #read(kind: string, index: number, value: number, path: Cell['path']): Quantity {
    const line = this.#lines.get(kind)?.[index];
    if (line === undefined) throw new Error(`Cannot cite ${kind} ${index} of ${this.#file}: the log has no such line`);
    return { value, at: { file: this.#file, line, path: [kind, ...path] } };
  }

  /** Where the lines of some kinds are; none where there are none. */
  #ranges(...kinds: readonly string[]): LineRange[] {
    return kinds.flatMap((kind) => {
      const lines = this.#lines.get(kind) ?? [];
      const [first, last] = [lines[0], lines.at(-1)];
      return first === undefined || last === undefined ? [] : [{ file: this.#file, kind, first, last }];
    });
  }
}
