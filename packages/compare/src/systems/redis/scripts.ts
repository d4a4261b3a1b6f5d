/**
 * What runs inside Redis, in Lua. Keys of one table begin with its name (`run`); scripts get that prefix as their first key.
 *
 * | key | type | content |
 * | --- | --- | --- |
 * | `run:unit:ID` | hash | the fields of a unit |
 * | `run:free:GROUP` | set, or sorted set by price | ids of the free units of a group |
 * | `run:lock:ID` | string | who holds the lock; ends by itself |
 * | `run:item:NUMBER` | hash | the fields of an item |
 * | `run:category:N`, `run:region:N`, `run:status:N` | set | numbers of the items that have it |
 * | `run:price` | sorted set | numbers of the items by price |
 * | `run:hot:SLOT` | hash | `taken` and `holder` |
 */
import { createHash } from 'node:crypto';

/** A script and the digest that Redis knows it by. */
export interface Script {
  readonly lua: string;
  readonly sha: string;
}

function script(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}

/** prefix; group, buyer, name of the buyer's field → id or 0 */
export const CLAIM_ANY = script(`
local id = redis.call('SPOP', KEYS[1] .. ':free:' .. ARGV[1])
if not id then return 0 end
redis.call('HSET', KEYS[1] .. ':unit:' .. id, 'is_booked', 1, ARGV[3], ARGV[2])
return tonumber(id)`);

/** prefix; group, buyer, name of the buyer's field, ceiling → id or 0 */
export const CLAIM_BELOW = script(`
local free = KEYS[1] .. ':free:' .. ARGV[1]
local ids = redis.call('ZRANGEBYSCORE', free, '-inf', ARGV[4], 'LIMIT', 0, 1)
if #ids == 0 then return 0 end
redis.call('ZREM', free, ids[1])
redis.call('HSET', KEYS[1] .. ':unit:' .. ids[1], 'is_booked', 1, ARGV[3], ARGV[2])
return tonumber(ids[1])`);

/** prefix; group, ceiling, limit, spread → ids, from a place that the spread chooses */
export const FREE_BELOW = script(`
local free = KEYS[1] .. ':free:' .. ARGV[1]
local count = redis.call('ZCOUNT', free, '-inf', ARGV[2])
if count == 0 then return {} end
local skipped = tonumber(ARGV[4]) % count
local ids = redis.call('ZRANGEBYSCORE', free, '-inf', ARGV[2], 'LIMIT', skipped, ARGV[3])
if #ids < tonumber(ARGV[3]) and skipped > 0 then
  local rest = math.min(skipped, tonumber(ARGV[3]) - #ids)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', free, '-inf', ARGV[2], 'LIMIT', 0, rest)) do ids[#ids + 1] = id end
end
return ids`);

/** prefix; id, token, free key's type, group, buyer, name of the buyer's field → 1, or 0 when the lock has ended */
export const SELL_LOCKED = script(`
if redis.call('GET', KEYS[1] .. ':lock:' .. ARGV[1]) ~= ARGV[2] then return 0 end
redis.call(ARGV[3], KEYS[1] .. ':free:' .. ARGV[4], ARGV[1])
redis.call('HSET', KEYS[1] .. ':unit:' .. ARGV[1], 'is_booked', 1, ARGV[6], ARGV[5])
return 1`);

/** lock; token → 1 when it was still held */
export const UNLOCK = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`);

/** prefix; seven fields for each item */
export const INSERT_ITEMS = script(`
for at = 1, #ARGV, 7 do
  local number, category, region, status, price = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  redis.call('HSET', KEYS[1] .. ':item:' .. number, 'number', number, 'category', category, 'region', region, 'status', status,
    'price', price, 'amount', ARGV[at + 5], 'label', ARGV[at + 6])
  redis.call('SADD', KEYS[1] .. ':category:' .. category, number)
  redis.call('SADD', KEYS[1] .. ':region:' .. region, number)
  redis.call('SADD', KEYS[1] .. ':status:' .. status, number)
  redis.call('ZADD', KEYS[1] .. ':price', price, number)
end
return #ARGV / 7`);

/** prefix; lowest and highest price → seven fields for each item */
export const ITEMS_BETWEEN = script(`
local found = {}
for _, number in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1] .. ':price', ARGV[1], ARGV[2])) do
  found[#found + 1] = redis.call('HMGET', KEYS[1] .. ':item:' .. number, 'number', 'category', 'region', 'status', 'price', 'amount', 'label')
end
return found`);

/** hot row; holder → 1 */
export const TAKE = script(`
redis.call('HINCRBY', KEYS[1], 'taken', 1)
redis.call('HSET', KEYS[1], 'holder', ARGV[1])
return 1`);

/** hot row, lock; holder, token, taken → 1, or 0 when the lock has ended */
export const TAKE_LOCKED = script(`
if redis.call('GET', KEYS[2]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'taken', ARGV[3], 'holder', ARGV[1])
return redis.call('DEL', KEYS[2])`);

export const SCRIPTS: readonly Script[] = [
  CLAIM_ANY,
  CLAIM_BELOW,
  FREE_BELOW,
  SELL_LOCKED,
  UNLOCK,
  INSERT_ITEMS,
  ITEMS_BETWEEN,
  TAKE,
  TAKE_LOCKED,
];
