export { type Line, type LineKind, type Lines, type MeasuredLine, readRawLog } from './run/raw-log.ts';
