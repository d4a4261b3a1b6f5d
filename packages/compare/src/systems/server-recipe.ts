/** How the server of a system is run; `run/server.ts` does it. */

/** What is started where. */
export interface ServerSite {
  /** The data directory: there and empty before `prepare`, written by the server after. */
  readonly directory: string;
  readonly port: number;
}

/** One process to be started. */
export interface ServerCommand {
  readonly program: string;
  readonly arguments: readonly string[];
}

export interface ServerRecipe {
  /** The first of these users that exists runs the server when the harness runs as root; nobody else for servers that do not mind root. */
  readonly users: readonly string[];
  /** Programs that make the data directory, in order; run as the same user. */
  prepare(site: ServerSite): readonly ServerCommand[];
  command(site: ServerSite): ServerCommand;
  /** Resolves when it answers requests; throws while it does not. */
  probe(site: ServerSite): Promise<void>;
  /** The signal that ends it cleanly. */
  readonly stopSignal: 'SIGTERM' | 'SIGINT';
}
