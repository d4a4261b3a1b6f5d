/** The file system that the engine gets: a simulated disk, used by one process. */
import { assert } from '@k-lani/base';
import type { Io } from '@k-lani/engine';
import { type ErrorCode, KLaniError } from '@k-lani/protocol';
import type { SimProcess } from '../world/sim-process.ts';
import type { Disk } from './disk.ts';
import { Folder } from './folder.ts';
import { Inode } from './inode.ts';
import { SimFile } from './sim-file.ts';

type Directory = ReturnType<Io['openDirectory']>;

export class SimIo implements Io {
  readonly #disk: Disk;
  readonly #process: SimProcess;

  constructor(disk: Disk, process: SimProcess) {
    this.#disk = disk;
    this.#process = process;
  }

  openDirectory(path: string, { create }: { readonly create: boolean }): Directory {
    const { folders } = this.#disk;
    const folder = folders.get(path) ?? (create ? new Folder() : undefined);
    if (folder === undefined) throw refusal('NotFound', 'open directory', path);
    folders.set(path, folder);
    return new SimDirectory(this.#disk, this.#process, { path, folder });
  }
}

class SimDirectory implements Directory {
  readonly path: string;
  readonly sharing: Directory['sharing'];
  readonly #disk: Disk;
  readonly #process: SimProcess;
  readonly #folder: Folder;
  #isOpen = true;
  #holdsLock = false;

  constructor(disk: Disk, process: SimProcess, { path, folder }: { path: string; folder: Folder }) {
    this.path = path;
    this.sharing = folder.sharing.of(process);
    this.#disk = disk;
    this.#process = process;
    this.#folder = folder;
  }

  list(): readonly string[] {
    assert(this.#isOpen, 'Cannot list: the directory is closed');
    return [...this.#folder.names.keys()].toSorted();
  }

  acquireLock(): void {
    assert(!this.#holdsLock, 'Cannot lock directory: it is locked by this object');
    if (this.#folder.isLocked) throw refusal('DirectoryLocked', 'lock directory', this.path);
    this.#folder.isLocked = true;
    this.#holdsLock = true;
  }

  createFile(name: string): SimFile {
    if (this.#folder.names.has(name)) throw refusal('Io', 'create file', this.#pathOf(name));
    if (this.#disk.faults.isFull(this.#process.timeline.nowMs) && this.#disk.chance.happens(0.5)) {
      throw refusal('DiskFull', 'create file', this.#pathOf(name));
    }
    const inode = new Inode();
    this.#change(new Map([[name, inode]]));
    return this.#file(name, inode, true);
  }

  openFile(name: string, mode: 'read' | 'write'): SimFile {
    return this.#file(name, this.#inode(name), mode === 'write');
  }

  rename(from: string, to: string): void {
    const inode = this.#inode(from);
    this.#change(
      new Map([
        [from, undefined],
        [to, inode],
      ]),
    );
    if (this.#process.isAlive) this.#disk.watcher.renamed(this.#pathOf(to), inode.data, this.#process.wallMs());
  }

  remove(name: string): void {
    this.#inode(name);
    this.#change(new Map([[name, undefined]]));
  }

  sync(): void {
    assert(this.#isOpen, 'Cannot sync: the directory is closed');
    const isCrash = this.#disk.begin();
    // Whether the crash came before or after the names were on the disk.
    if (isCrash && this.#disk.chance.happens(0.5)) this.#disk.crash();
    this.#folder.sync();
    if (isCrash && this.#process.isAlive) this.#disk.crash();
  }

  close(): void {
    if (this.#holdsLock) this.#folder.isLocked = false;
    this.#holdsLock = false;
    this.#isOpen = false;
  }

  #change(change: ReadonlyMap<string, Inode | undefined>): void {
    const isCrash = this.#disk.begin();
    if (isCrash && this.#disk.chance.happens(0.5)) this.#disk.crash();
    this.#folder.change(change);
    if (isCrash && this.#process.isAlive) this.#disk.crash();
  }

  #inode(name: string): Inode {
    const inode = this.#folder.names.get(name);
    if (inode === undefined) throw refusal('NotFound', 'find file', this.#pathOf(name));
    return inode;
  }

  #file(name: string, inode: Inode, isWritable: boolean): SimFile {
    return new SimFile(this.#disk, this.#process, { path: this.#pathOf(name), name, inode, isWritable });
  }

  #pathOf(name: string): string {
    assert(this.#isOpen, 'Cannot use directory: it is closed');
    assert(name !== '' && !name.includes('/'), `Cannot use file name: it is ${JSON.stringify(name)}, must be a single path component`);
    return `${this.path}/${name}`;
  }
}

/** What the system answers when it refuses. */
function refusal(code: ErrorCode, action: string, path: string): KLaniError {
  return new KLaniError(code, `Cannot ${action}: the simulated system answers ${code}, path is ${path}`);
}
