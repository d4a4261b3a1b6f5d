/**
 * For tests: the real file system but for its syncs, which return without waiting for the disk, and with what a test wants to fail, to wait
 * or to be told.
 */
import type { KLaniError } from '@k-lani/protocol';
import type { Directory, Done, File, Io } from './io.ts';
import { NodeIo } from './node-io.ts';

/** A sync or fill that waits for the test. */
interface Held {
  /** Lets it happen, at once. */
  readonly release: () => void;
  /** Ends it with an error, at once. */
  readonly fail: (error: KLaniError) => void;
}

/** What syncs or fills go through before they begin. */
class Gate {
  /** While set, whatever comes ends with it. */
  error: KLaniError | undefined;
  /** While set, whatever comes waits for the test. */
  isShut = false;
  /** What waits and was not given to the test yet. */
  readonly #fresh: Held[] = [];
  /** What waits. */
  readonly #held = new Set<Held>();
  #onHeld: (() => void) | undefined;

  /** Resolves with the first that waits and was not given before. */
  async next(): Promise<Held> {
    for (;;) {
      const held = this.#fresh.shift();
      if (held !== undefined) return held;
      await new Promise<void>((resolve) => {
        this.#onHeld = resolve;
      });
    }
  }

  /** Lets everything happen that waits, and all that comes. */
  open(): void {
    this.isShut = false;
    this.error = undefined;
    for (const { release } of this.#held) release();
  }

  /** Does, fails or holds what ends with `done`. */
  pass(run: () => void, done: Done): void {
    const end = (error: KLaniError | undefined): void => {
      if (error === undefined) run();
      done(error);
    };
    if (this.isShut) this.#hold(end);
    else {
      const { error } = this;
      setImmediate(() => end(error));
    }
  }

  #hold(end: Done): void {
    const endOnce: Done = (error) => {
      if (this.#held.delete(held)) end(error);
    };
    const held: Held = { release: () => endOnce(undefined), fail: endOnce };
    this.#held.add(held);
    this.#fresh.push(held);
    this.#onHeld?.();
  }
}

export class FaultyIo implements Io {
  /** `syncLater` of any file. */
  readonly syncs = new Gate();
  /** `fillLater` of any file. */
  readonly fills = new Gate();
  /** While set, every write fails with it, and nothing is written. */
  writeError: KLaniError | undefined;
  /** What was written and synced on the caller's thread, in order: `write 0000000001.segment 256+512`, `sync 0000000001.segment`. */
  readonly told: string[] = [];
  readonly #real = new NodeIo();

  openDirectory(path: string, options: { readonly create: boolean }): Directory {
    const directory = this.#real.openDirectory(path, options);
    return standIn(directory, {
      createFile: (name) => this.#file(name, directory.createFile(name)),
      openFile: (name, mode) => this.#file(name, directory.openFile(name, mode)),
      sync: () => undefined,
    });
  }

  #file(name: string, file: File): File {
    return standIn(file, {
      write: (bytes, position) => {
        if (this.writeError !== undefined) throw this.writeError;
        this.told.push(`write ${name} ${position}+${bytes.length}`);
        file.write(bytes, position);
      },
      writeLater: (bytes, position, done) => {
        const { writeError } = this;
        if (writeError === undefined) file.writeLater(bytes, position, done);
        else setImmediate(() => done(writeError));
      },
      sync: () => {
        this.told.push(`sync ${name}`);
      },
      syncLater: (done) => this.syncs.pass(() => undefined, done),
      fillLater: (sizeBytes, done) => this.fills.pass(() => file.write(new Uint8Array(sizeBytes), 0), done),
    });
  }
}

/** The same object, with some of its methods replaced. */
function standIn<T extends object>(original: T, methods: Partial<T>): T {
  return new Proxy(original, {
    get(target, key) {
      const value: unknown = Reflect.get(key in methods ? methods : target, key);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
