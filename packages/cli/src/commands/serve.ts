/** `k-lani serve`: a server in the foreground, until a signal ends it. */
import { Command, Option } from 'commander';
import {
  CONFIG_KEYS,
  type ConfigKey,
  describeRule,
  flagOf,
  loadConfig,
  type Server,
  type ServerConfig,
  startServer,
  variableOf,
} from '@k-lani/server';
import type { Terminal } from '../output/terminal.ts';
import { terminalLog } from '../output/terminal-log.ts';
import { sizeText } from '../output/text-table.ts';
import { finishOnSignals } from '../signals.ts';
import { examples, terminalOf } from './context.ts';

/** Variables of the environment that other commands read; the server's configuration has no key for them. */
const OTHER_VARIABLES: ReadonlySet<string> = new Set(['K_LANI_CONNECT', 'K_LANI_ACTOR']);

type ServeOptions = Readonly<Record<string, string | undefined>>;

/** The command. */
export function serveCommand(): Command {
  const command = new Command('serve')
    .summary('run a server')
    .description(
      'Run a server until SIGTERM or SIGINT (Ctrl-C). It then takes no more requests, finishes those in flight, and closes the database; a ' +
        'second signal ends it at once. Flags go before the environment, that before the file, that before the defaults. There is no ' +
        'authentication yet: listen only where every client is trusted.',
    )
    .addOption(new Option('--config <file>', 'YAML file with keys such as maxConnections').env('K_LANI_CONFIG'));
  for (const key of CONFIG_KEYS) command.addOption(optionOf(key));
  return command
    .addHelpText(
      'after',
      examples(
        ['on the default port, in a directory that is made', 'k-lani serve --data ./tickets'],
        ['also on a Unix socket', 'k-lani serve --data ./tickets --listen tcp://127.0.0.1:7700,unix:/run/k-lani.sock'],
        ['as a file says, with one thing different', 'k-lani serve --config k-lani.yaml --max-connections 512'],
        ['for scripts: one line of JSON when it listens, and when it stops', 'k-lani serve --json'],
      ),
    )
    .action(async ({ config: file, ...flags }: ServeOptions, of: Command) => {
      const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OTHER_VARIABLES.has(name)));
      const config = loadConfig({ file, environment, flags });
      await serve(terminalOf(of), config);
    });
}

async function serve(terminal: Terminal, config: ServerConfig): Promise<void> {
  let stop = (): void => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const stopListening = finishOnSignals((signal) => {
    tell(terminal, { event: 'stopping', signal }, `${signal}: finishing what is in flight; a second signal ends at once.`);
    stop();
  });
  const server = await start(terminal, config);
  const { addresses } = server;
  const { data, durability } = config;
  tell(
    terminal,
    { event: 'listening', listening: addresses, pid: process.pid, data, durability },
    `Listening on ${addresses.join(', ')} (data ${data}, durability ${durability}, pid ${process.pid})`,
  );
  await stopped;
  await server.close();
  stopListening();
  tell(terminal, { event: 'stopped' }, 'Stopped.');
}

async function start(terminal: Terminal, config: ServerConfig): Promise<Server> {
  using bar = terminal.progress('Checking the log');
  return await startServer(config, {
    progress: (done, total) => bar.update(done, total, `${sizeText(done)} of ${sizeText(total)}`),
    ...(process.stderr.isTTY && !terminal.isJson ? { log: terminalLog(config.logLevel, () => bar.end()) } : {}),
  });
}

function tell(terminal: Terminal, event: object, text: string): void {
  terminal.result(event, () => text);
}

function optionOf({ key, rule, default: byDefault, meaning }: ConfigKey): Option {
  const value = rule.kind === 'integer' ? 'n' : rule.kind === 'path' ? 'dir' : rule.kind;
  const shown = typeof byDefault === 'object' ? byDefault.join(',') : String(byDefault);
  return new Option(`${flagOf(key)} <${value}>`, `${meaning} (${describeRule(rule)}; default ${shown}; ${variableOf(key)})`);
}
