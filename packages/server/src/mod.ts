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
export { SERVER_VERSION } from './server-version.ts';
export { Service, type ServerCounters, type ServerLog, type ServerStats } from './service.ts';
export { Sessions } from './sessions.ts';
export { ThreadWire } from './thread-wire.ts';
export { nodeTicker, type Ticker } from './ticker.ts';
export type { AcceptedWire, ConnectionSource, Wire, WireUser } from './wire.ts';
