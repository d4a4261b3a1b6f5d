/**
 * What a system offers to be compared: one adapter a system, the same scenarios for all.
 *
 * 1. A system is known in two processes. The harness starts, kills and weighs its server; a driver process, one a system, opens a `Session`
 *    and does the work. So no client library shares a heap, compiled functions or an event loop with another.
 * 2. An embedded system lives in its driver: killing it is killing the driver.
 * 3. A promise of a write is kept when it is durable in the sense that the system names; a refusal is kept when it is true.
 * 4. Data of one measurement has a name of its own (`run`), and can be opened again under it after a kill.
 * 5. Where a system can be used in several ways, `ways` lists those that a competent user would try; the fastest is used and named.
 */
import type { ShopTable } from '@k-lani/bench';
import type { Goods, UnitRow, UnitTerm } from './goods.ts';
import type { Item } from './items.ts';
import type { ServerRecipe } from './server-recipe.ts';

/** What a system is used for; ways may differ from one to the other. */
export type Use = 'loop' | 'claim' | 'items' | 'hot-loop' | 'hot-claim' | EmbeddedUse;

/** What only embedded systems are used for: reads without promises, and threads. */
type EmbeddedUse = 'read' | 'range' | 'intersect' | 'pair' | 'hot-threads';

/** A system under comparison. */
export interface System {
  /** As in `--systems` and in raw logs: `redis`. */
  readonly name: string;
  /** For people, without its version. */
  readonly title: string;
  readonly kind: 'server' | 'embedded';
  /** What has happened when a write is answered. */
  readonly durability: string;
  readonly isolation: string;
  /** What is not here, and the command that installs it; `undefined` when everything is. */
  missing(): Missing | undefined;
  /** How its server is run; of embedded systems `undefined`. */
  readonly server: ServerRecipe | undefined;
  /** How it is configured, one setting a line. */
  readonly configuration: readonly string[];
  /** Packages whose installed size is what a user installs. */
  readonly packages: readonly InstalledPackage[];
  /** Ways of one use, at least one. */
  ways(use: Use): readonly string[];
  /** Numbers of connections to try where a scenario asks for the best one. */
  readonly bestConnections: readonly number[];
  /** Opens it in the driver. */
  open(place: Place): Promise<Session>;
}

/** What has to be installed first. */
interface Missing {
  readonly what: string;
  /** A command. */
  readonly install: string;
}

/** A package of Debian, or a directory of files. */
export type InstalledPackage = { readonly debian: string } | { readonly directory: string };

/** Where a session finds its system. */
export interface Place {
  readonly host: string;
  /** 0 for embedded systems. */
  readonly port: number;
  /** The data directory. Sessions of servers leave it alone. */
  readonly directory: string;
}

/** How a measurement uses a system. */
export interface Way {
  readonly connections: number;
  /** One of `System.ways()` of this use. */
  readonly name: string;
}

/** A system in its driver. What it does not offer is left out of its tables. */
export interface Session {
  /** As the system itself says it. */
  readonly version: string;
  /** Opens a table of units for sale, and makes it before if there is none under this name. */
  openGoods(goods: Goods, run: string, way: Way): Promise<OpenGoods>;
  /** Opens a table of items, likewise. */
  openItems(run: string, way: Way): Promise<OpenItems>;
  /** Opens a table of hot rows, likewise. */
  openHotRows(run: string, way: Way): Promise<OpenHotRows>;
  /** Opens a table of items that have no index but their number, likewise; of embedded systems. */
  openPlainItems?(run: string, way: Way): Promise<OpenItems>;
  /** Lets worker threads open hot rows that were made before and are not open here; of embedded systems that threads can share. */
  hotThread?(run: string, way: Way): Promise<ThreadEntry> | ThreadEntry;
  /** Lets threads of this process read items that were made before and are not open here; and a copy of them, in `directory`, be read. */
  readers?(run: string, way: Way): Promise<ReaderEntry> | ReaderEntry;
  /** Requests a second of this system's client against a server that only echoes, in the same shape; left out where there is no such server. */
  echo?(connections: number, depth: number, requests: number): Promise<number>;
  close(): Promise<void>;
}

/** Units for sale. Worker `w` uses the table `w % tables.length`. */
export interface OpenGoods {
  readonly tables: readonly ShopTable<UnitRow, UnitTerm>[];
  /** Appends all rows or none; gives their ids in order. */
  appendAll(rows: readonly UnitRow[]): Promise<readonly number[]>;
  /** Called when everything has been appended, for systems that gather statistics. */
  settle?(): Promise<void>;
  /** All rows, as of one moment. */
  scan(): AsyncIterable<{ readonly rowId: number; readonly row: UnitRow }>;
  close(): Promise<void>;
}

/** Items, over several lanes, each of which may carry many requests at once. */
export interface OpenItems {
  readonly lanes: readonly ItemLane[];
  /** Called when everything has been inserted that is read later, for systems that gather statistics. */
  settle?(): Promise<void>;
  /** All items, in any order. */
  scan(): AsyncIterable<Item>;
  close(): Promise<void>;
}

/** One connection to a table of items. */
export interface ItemLane {
  /** Reads without promises; of embedded systems. */
  readonly direct?: ItemReads;
  /** Adds all items in one transaction. Numbers of a table begin at 1 and go up by one from insert to insert, but for concurrent ones. */
  insert(items: readonly Item[]): Promise<void>;
  /** The item that was inserted as the `number`-th, by its primary key. */
  read(number: number): Promise<Item | undefined>;
  /** The items whose price is between the two, both included. */
  range(priceMin: number, priceMax: number): Promise<readonly Item[]>;
  /** The numbers of all items of a category. */
  ofCategory(category: number): Promise<readonly number[]>;
  /** The numbers of all items that have both. */
  ofRegionAndStatus(region: number, status: number): Promise<readonly number[]>;
  /** Changes one field of one item. */
  setAmount(number: number, amount: number): Promise<void>;
}

/** Reads of a system in the same process: they give their answer at once. */
export interface ItemReads {
  read(number: number): Item | undefined;
  /** The items with numbers from `first` to `last`, both included, in the order of the primary key. */
  between(first: number, last: number): readonly Item[];
  range(priceMin: number, priceMax: number): readonly Item[];
  ofCategory(category: number): readonly number[];
  /** The numbers of items that have both, the first `limit` of them. */
  ofRegionAndStatus(region: number, status: number, limit: number): readonly number[];
}

/** How a worker thread reaches hot rows. */
export interface ThreadEntry {
  /** A module that exports `openHotThread(data): Promise<OpenHotRows>`. */
  readonly module: string;
  /** Plain data for it. */
  readonly data: unknown;
  /** Called when all threads have ended. */
  close(): Promise<void>;
}

/** How items are read from elsewhere. */
interface ReaderEntry {
  /** A module that exports `openReads(data): Promise<ItemReads>`; what it opens is open until its thread or process ends. */
  readonly module: string;
  /** Plain data for it in a thread of this process. */
  readonly shared: unknown;
  /** The file or directory that has the items, to be copied while nothing has it open. */
  readonly path: string;
  /** Plain data for it in a process that has a copy of its own at `path`. */
  copied(path: string): unknown;
  close(): Promise<void>;
}

/** A hot row: how often it was taken, and by whom last. */
export interface HotRow {
  readonly slot: number;
  readonly taken: number;
  readonly holder: number;
}

/** Few rows that many writers want. Writer `w` uses the lane `w % lanes.length`. */
export interface OpenHotRows {
  readonly lanes: readonly HotLane[];
  /** Makes rows with the slots 1 to `slots`, taken 0 times. */
  create(slots: number): Promise<void>;
  readAll(): Promise<readonly HotRow[]>;
  close(): Promise<void>;
}

/** One connection to the hot rows. */
export interface HotLane {
  /** Lock, read, write with `taken` one higher, give back. False when another holds the lock. */
  takeByLoop(slot: number, holder: number): Promise<boolean>;
  /** The same as one command. False when it was refused and may be asked again. */
  take(slot: number, holder: number): Promise<boolean>;
}
