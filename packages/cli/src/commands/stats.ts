/** `k-lani stats`: what a database or a server says of itself. */
import { Command } from 'commander';
import { type StoreOptions, useStore, withStoreOptions } from '../data/open-store.ts';
import { factsText } from '../output/facts.ts';
import { examples, terminalOf } from './context.ts';

/** The command. */
export function statsCommand(): Command {
  return withStoreOptions(new Command('stats'))
    .summary('print counters and limits')
    .description('Print what the server, or the database in a directory, says of itself.')
    .addHelpText('after', examples(['of the server', 'k-lani stats'], ['its sessions', 'k-lani stats --json | jq .sessions']))
    .action(async (options: StoreOptions, command: Command) => {
      const terminal = terminalOf(command);
      await useStore({ options, command, terminal }, async (store) => {
        const stats = await store.stats();
        terminal.result(stats, () => factsText(terminal, stats));
      });
    });
}
