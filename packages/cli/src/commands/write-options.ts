/** Options and arguments of the commands that write. */
import type { Command } from 'commander';
import { KLaniError } from '@k-lani/protocol';
import { type NewRow, rowFromJson, rowFromWords } from '../data/row-text.ts';
import type { StoreTable } from '../data/store.ts';
import { integerBetween } from '../integer-option.ts';

const VERSION_MAX = 0xffff_fffe;

/** The option of {@link withOperationId}. */
export interface OperationIdOption {
  readonly operationId?: string;
}

/** Gives a command the option that makes it safe to repeat. */
export function withOperationId(command: Command): Command {
  return command.option('--operation-id <id>', '32 hexadecimal digits: the same command under the same id is carried out once');
}

/** Gives a command the option that guards a row against changes that were not seen. */
export function withIfVersion(command: Command): Command {
  return command.requiredOption(
    '--if-version <version>',
    'the version that the row must have, as seek prints it',
    integerBetween(1, VERSION_MAX),
  );
}

/** What a write is given of them. */
export function writeOptions({ operationId }: OperationIdOption): { operationId?: string } {
  return operationId === undefined ? {} : { operationId };
}

/** The row in the arguments: one JSON object, or field=value words. @throws {KLaniError} InvalidArgument, UnknownField, FieldOutOfRange */
export function rowFromArguments({ schema }: StoreTable, words: readonly string[]): NewRow {
  const [first = ''] = words;
  if (!first.trimStart().startsWith('{')) return rowFromWords(schema, words);
  if (words.length === 1) return rowFromJson(schema, first);
  const given = `${words.length} arguments are given`;
  throw new KLaniError('InvalidArgument', `Cannot read row: ${given}, must be one JSON object or field=value words`);
}
