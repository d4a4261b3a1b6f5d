/** One side of the derived state, as another thread or process has attached to it: it is read only in a stay (`SideReader`). */
import { PageStore, type ChunkView } from '../memory/page-store.ts';
import { SideRoot, type ListedTable } from './side-root.ts';
import { TableSide } from './table-side.ts';

export class AttachedSide {
  readonly #store: PageStore;
  readonly #root: SideRoot;
  /** By table id. */
  #tables: TableSide[] = [];
  /** The list that the tables are of. */
  #writes = 0;

  /** @param memory of a side that is described */
  constructor(memory: ChunkView) {
    this.#store = PageStore.attach(memory);
    this.#root = new SideRoot(this.#store);
  }

  /** Begins a stay: what was added since the last one is within reach. */
  enter(): void {
    this.#store.refresh();
  }

  /** Position where the log ends that the side holds. */
  get end(): number {
    return this.#root.end;
  }

  /** Tells lists of tables apart, and is the same on both sides for the same list. */
  get writes(): number {
    return this.#root.writes;
  }

  /** Memory of the side, bytes. */
  get sizeBytes(): number {
    return this.#store.sizeBytes;
  }

  /** The tables that are listed now. */
  readTables(): ListedTable[] {
    return this.#root.read();
  }

  /** Attaches to the tables of the list that `writes` names, unless that is done. */
  attachTables(tables: readonly ListedTable[], writes: number): void {
    if (this.#writes === writes) return;
    const attached: TableSide[] = [];
    for (const [place, { roots }] of tables.entries()) attached[place + 1] = TableSide.attach(this.#store, roots).following(this.#root);
    this.#tables = attached;
    this.#writes = writes;
  }

  /** The table's part, or `undefined` where it is not attached. */
  find(tableId: number): TableSide | undefined {
    return this.#tables[tableId];
  }
}
