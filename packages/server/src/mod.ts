export { formatAddress, parseAddress, type Address } from './address.ts';
export {
  CONFIG_KEYS,
  describeRule,
  flagOf,
  type ConfigKey,
  type ConfigRule,
  type LogLevel,
  type ServerConfig,
  variableOf,
} from './config-keys.ts';
export { type ConfigSources, loadConfig } from './config.ts';
export { Server, type ServerAdapters, startServer } from './server.ts';
export type { ServerCounters, ServerLog, ServerStats } from './service.ts';
export type { Ticker } from './ticker.ts';
export type { AcceptedWire, ConnectionSource, Wire, WireUser } from './wire.ts';
