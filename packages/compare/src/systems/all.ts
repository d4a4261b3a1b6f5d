import { K_LANI } from './k-lani/k-lani.ts';
import { K_LANI_EMBEDDED } from './k-lani-embedded/k-lani-embedded.ts';
import { LMDB } from './lmdb/lmdb.ts';
import { MARIADB } from './mariadb/mariadb.ts';
import { POSTGRESQL } from './postgresql/postgresql.ts';
import { REDIS, REDIS_EVERYSEC } from './redis/redis.ts';
import { SQLITE } from './sqlite/sqlite.ts';
import type { System } from './system.ts';

/** Those of one kind are compared with each other; ratios are k-lani's against each other one. */
export const SYSTEMS: readonly System[] = [K_LANI, REDIS, REDIS_EVERYSEC, POSTGRESQL, MARIADB, K_LANI_EMBEDDED, SQLITE, LMDB];
