/** Reads the configuration: one YAML file, overridden by the environment and by flags. The keys are in `config-keys.ts`. */
import { readFileSync } from 'node:fs';
import { HISTORY_DAYS_MAX } from '@k-lani/engine';
import { KLaniError } from '@k-lani/protocol';
import { parseDocument } from 'yaml';
import { parseAddress } from './address.ts';
import { CONFIG_KEYS, type ConfigKey, describeRule, type ServerConfig, VARIABLE_PREFIX, flagOf, variableOf } from './config-keys.ts';

/** Where a configuration comes from; everything may be left out. */
export interface ConfigSources {
  /** Path of the YAML file. */
  readonly file?: string | undefined;
  /** The environment; of it only what begins with `K_LANI_` is looked at. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Values by key (`maxConnections`), as a command line gives them; `listen` may be several addresses with commas between them. */
  readonly flags?: Readonly<Partial<Record<string, string | undefined>>>;
}

/** The variable that names the configuration file. */
const FILE_VARIABLE = `${VARIABLE_PREFIX}CONFIG`;

/** A value, and where it was found, for messages. */
interface Given {
  readonly value: unknown;
  readonly from: string;
}

/**
 * The configuration that results from the sources. Flags go before the environment, that goes before the file (of `file`, or of the variable
 * `K_LANI_CONFIG`), that before the defaults.
 *
 * @throws {KLaniError} InvalidConfiguration for an unknown key a value that is not allowed, or a file that cannot be read
 */
export function loadConfig(sources: ConfigSources = {}): ServerConfig {
  const { environment = {}, flags = {} } = sources;
  const given = new Map<string, Given>();
  const file = sources.file ?? environment[FILE_VARIABLE];
  if (file !== undefined) fromFile(file, given);
  fromEnvironment(environment, given);
  for (const [key, value] of Object.entries(flags)) {
    if (value !== undefined) give(given, key, { value, from: flagOf(key) });
  }
  return configOf(given);
}

/** Checks values and puts defaults in the place of those that are left out. @throws {KLaniError} InvalidConfiguration */
export function checkConfig(values: Partial<ServerConfig>): ServerConfig {
  const given = new Map<string, Given>();
  for (const [key, value] of Object.entries(values)) if (value !== undefined) give(given, key, { value, from: key });
  return configOf(given);
}

function configOf(given: ReadonlyMap<string, Given>): ServerConfig {
  const values = Object.fromEntries(CONFIG_KEYS.map((entry) => [entry.key, valueOf(entry, given.get(entry.key))]));
  const config = Object.freeze(values) as unknown as ServerConfig;
  const { maxOutputBytes, maxResponseBytes } = config;
  if (maxOutputBytes < 2 * maxResponseBytes) {
    throw invalid('maxOutputBytes', maxOutputBytes, `at least twice maxResponseBytes, ${2 * maxResponseBytes}`);
  }
  return config;
}

function fromFile(path: string, given: Map<string, Given>): void {
  const values = parseYaml(readText(path), path);
  if (values === null) return;
  if (typeof values !== 'object' || Array.isArray(values)) {
    throw new KLaniError('InvalidConfiguration', `Cannot read configuration ${path}: it is ${show(values)}, must be keys with values`);
  }
  for (const [key, value] of Object.entries(values)) give(given, key, { value, from: `key ${key} of ${path}` });
}

function parseYaml(text: string, path: string): unknown {
  const document = parseDocument(text, { prettyErrors: true });
  const [problem] = [...document.errors, ...document.warnings];
  if (problem === undefined) return document.toJS() as unknown;
  throw new KLaniError('InvalidConfiguration', `Cannot read configuration ${path}: ${problem.message}`, { cause: problem });
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new KLaniError('InvalidConfiguration', `Cannot read configuration ${path}: ${cause}`, { cause: error });
  }
}

function fromEnvironment(environment: Readonly<Record<string, string | undefined>>, given: Map<string, Given>): void {
  const keys = new Map(CONFIG_KEYS.map(({ key }) => [variableOf(key), key]));
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith(VARIABLE_PREFIX) || name === FILE_VARIABLE || value === undefined) continue;
    const key = keys.get(name);
    if (key === undefined) throw unknownKey(`variable ${name}`, [FILE_VARIABLE, ...keys.keys()]);
    given.set(key, { value, from: name });
  }
}

function give(given: Map<string, Given>, key: string, value: Given): void {
  const keys = CONFIG_KEYS.map((entry) => entry.key);
  if (!(keys as readonly string[]).includes(key)) throw unknownKey(value.from === key ? `key ${JSON.stringify(key)}` : value.from, keys);
  given.set(key, value);
}

function valueOf({ key, rule, default: byDefault }: ConfigKey, given: Given | undefined): unknown {
  if (given === undefined) return byDefault;
  const { value, from } = given;
  switch (rule.kind) {
    case 'path':
      if (typeof value === 'string' && value !== '' && !value.includes('\0')) return value;
      break;
    case 'choice':
      if (typeof value === 'string' && rule.choices.includes(value)) return value;
      break;
    case 'addresses': {
      const addresses = typeof value === 'string' ? value.split(',') : value;
      if (isAddressList(addresses)) return Object.freeze(addresses.map((address) => address.trim()));
      break;
    }
    case 'history':
      if (value === 'all' || value === 'latest') return value;
      if (isIntegerWithin(numberIn(value), 1, HISTORY_DAYS_MAX)) return numberIn(value);
      break;
    case 'threads':
      if (value === 'auto') return value;
      if (isIntegerWithin(numberIn(value), 0, rule.max)) return numberIn(value);
      break;
    case 'integer': {
      const number = numberIn(value);
      if (isIntegerWithin(number, rule.min, rule.max) && (rule.isPowerOfTwo !== true || Number.isInteger(Math.log2(number)))) return number;
    }
  }
  throw invalid(from === key ? key : `${key} (${from})`, value, describeRule(rule));
}

/** The number that a text of digits says; anything else as it is. */
function numberIn(value: unknown): unknown {
  return typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
}

function isIntegerWithin(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}

function isAddressList(addresses: unknown): addresses is string[] {
  if (!Array.isArray(addresses) || addresses.length === 0) return false;
  for (const address of addresses) {
    if (typeof address !== 'string') return false;
    parseAddress(address.trim());
  }
  return true;
}

function unknownKey(given: string, keys: readonly string[]): KLaniError {
  return new KLaniError('InvalidConfiguration', `Cannot use configuration: ${given} is not known, must be one of ${keys.join(', ')}`);
}

function invalid(key: string, value: unknown, allowed: string): KLaniError {
  return new KLaniError('InvalidConfiguration', `Cannot use configuration: ${key} is ${show(value)}, must be ${allowed}`);
}

function show(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 200);
}
