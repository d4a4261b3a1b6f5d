import { existsSync, readdirSync } from 'node:fs';
import { KLaniError } from '@k-lani/protocol';
import { withRemedy } from '../output/failure.ts';

/**
 * Refuses a directory that holds no database, before anything is made in it.
 *
 * @throws {KLaniError} `NotFound`
 */
export function expectDatabase(directory: string): void {
  if (existsSync(directory) && readdirSync(directory).some((name) => /^\d{10}\.segment$/.test(name))) return;
  const error = new KLaniError('NotFound', `Cannot open ${directory}: there is no database in it`);
  throw withRemedy(error, 'Check the path; "k-lani table create" and "k-lani serve" make a database.');
}
