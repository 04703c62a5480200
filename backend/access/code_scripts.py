"""The scripts that change requests and codes in Valkey, each of them as a whole or not at all.

Arguments are those that `codes` passes, in that order; every moment is a number of milliseconds.
"""

from __future__ import annotations

from typing import Final

from backend.access import limits

# The request's own key follows from the id at KEYS[1]; it is in the same slot by its hash tag.
ASK: Final = (
    limits.FUNCTIONS
    + """
local now, prefix, most_tries = tonumber(ARGV[1]), ARGV[3], tonumber(ARGV[7])
local id = redis.call('GET', KEYS[1])
local is_open = false
if id then
  local known = redis.call('HMGET', prefix .. id, 'resend_at', 'expires_at', 'tries', 'used')
  if known[1] and not known[4] then
    if now < tonumber(known[1]) then return {'KEPT', id, known[1], known[2]} end
    is_open = tonumber(known[3]) < most_tries
  end
end
local wait = charge(now, 2, 14)
if wait > 0 then return {'WAIT', wait} end
if not is_open then
  id = ARGV[2]
  redis.call('HSET', prefix .. id, 'data', ARGV[8], 'key_id', ARGV[9], 'device', ARGV[10],
    'person', ARGV[11], 'purpose', ARGV[12], 'salt', ARGV[13], 'tries', 0, 'asked', 0, 'sent', 0)
end
local resend_at = string.format('%d', now + tonumber(ARGV[4]))
local expires_at = string.format('%d', now + tonumber(ARGV[5]))
redis.call('HINCRBY', prefix .. id, 'asked', 1)
redis.call('HSET', prefix .. id, 'asked_at', ARGV[1], 'resend_at', resend_at, 'expires_at', expires_at)
redis.call('PEXPIRE', prefix .. id, ARGV[6])
redis.call('SET', KEYS[1], id, 'PX', ARGV[6])
return {'DUE', id, resend_at, expires_at}
"""
)
STORE: Final = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local newest = redis.call('HMGET', KEYS[1], 'code1', 'until1')
if newest[1] ~= ARGV[1] then
  if newest[1] then redis.call('HSET', KEYS[1], 'code2', newest[1], 'until2', newest[2]) end
  redis.call('HSET', KEYS[1], 'code1', ARGV[1])
end
redis.call('HSET', KEYS[1], 'until1', ARGV[2], 'member', ARGV[3])
return 1
"""
SET: Final = """
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], ARGV[1], ARGV[2]) end
return 0
"""
# A right code that came too late or twice was no guess, and counts as no failure.
CLAIM: Final = (
    limits.FUNCTIONS
    + """
local now, device, purpose, hash, most_tries = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local most, window = tonumber(ARGV[7]), tonumber(ARGV[8])
local address_most, address_window = tonumber(ARGV[9]), tonumber(ARGV[10])
local found = redis.call('HMGET', KEYS[1], 'person', 'device', 'purpose', 'tries', 'used', 'code1',
  'until1', 'code2', 'until2', 'member', 'data', 'key_id')
local wait = wait_for(KEYS[2], now, address_most, address_window)
local failures = found[1] and ARGV[6] .. found[1]
if failures then wait = math.max(wait, wait_for(failures, now, most, window)) end
if wait > 0 then return {'WAIT', wait} end
local is_bound = found[2] == device and found[3] == purpose
local is_newest, is_older = found[6] == hash, found[8] == hash
if is_bound and (is_newest or is_older) then
  local is_alive = (is_newest and now < tonumber(found[7])) or (is_older and now < tonumber(found[9]))
  if is_alive and not found[5] and tonumber(found[4]) < tonumber(most_tries) then
    redis.call('HSET', KEYS[1], 'used', 1)
    return {'RIGHT', found[10], found[11], found[12]}
  end
  return {'WRONG'}
end
count(KEYS[2], now, address_window)
if failures then
  redis.call('HINCRBY', KEYS[1], 'tries', 1)
  count(failures, now, window)
end
return {'WRONG'}
"""
)
