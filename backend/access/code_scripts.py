"""The scripts that change requests and codes in Valkey, each of them as a whole or not at all.

Arguments are those that `codes` passes, in that order; every moment is a number of milliseconds.
"""

from __future__ import annotations

from typing import Final

from backend.access import limits

# The request's own key follows from the id at KEYS[1]; it is in the same slot by its hash tag.
# What was asked for and is owed, because its job was not arranged, is charged once only.
ASK: Final = (
    limits.FUNCTIONS
    + """
local now, prefix, most_tries = tonumber(ARGV[1]), ARGV[3], tonumber(ARGV[7])
local id = redis.call('GET', KEYS[1])
local is_open, is_owed = false, false
if id then
  local known = redis.call('HMGET', prefix .. id, 'resend_at', 'expires_at', 'tries', 'claimed',
    'asked', 'arranged')
  if known[1] and not known[4] then
    is_open = tonumber(known[3]) < most_tries
    is_owed = is_open and tonumber(known[6]) < tonumber(known[5])
    if not is_owed and now < tonumber(known[1]) then
      return {'KEPT', id, known[1], known[2], known[5]}
    end
  end
end
if not is_owed then
  local wait = charge(now, 2, 15)
  if wait > 0 then return {'WAIT', wait} end
end
if not is_open then
  id = ARGV[2]
  redis.call('HSET', prefix .. id, 'device', ARGV[10], 'person', ARGV[11], 'purpose', ARGV[12],
    'salt', ARGV[13], 'asker', ARGV[14], 'tries', 0, 'asked', 0, 'arranged', 0, 'charged', 0, 'sent', 0)
end
local resend_at = string.format('%d', now + tonumber(ARGV[4]))
local expires_at = string.format('%d', now + tonumber(ARGV[5]))
redis.call('HSET', prefix .. id, 'data', ARGV[8], 'key_id', ARGV[9],
  'asked_at', ARGV[1], 'resend_at', resend_at, 'expires_at', expires_at)
if not is_owed then redis.call('HINCRBY', prefix .. id, 'asked', 1) end
redis.call('PEXPIRE', prefix .. id, ARGV[6])
redis.call('SET', KEYS[1], id, 'PX', ARGV[6])
return {'DUE', id, resend_at, expires_at, redis.call('HGET', prefix .. id, 'asked')}
"""
)
ARRANGED: Final = """
local arranged = redis.call('HGET', KEYS[1], 'arranged')
if arranged and tonumber(arranged) < tonumber(ARGV[1]) then
  redis.call('HSET', KEYS[1], 'arranged', ARGV[1])
end
return 0
"""
# Who takes the turn of an asking sends its message, alone, and pays for it once.
TURN: Final = (
    limits.FUNCTIONS
    + """
local now, asked = tonumber(ARGV[1]), tonumber(ARGV[2])
local known = redis.call('HMGET', KEYS[1], 'sent', 'charged', 'sending_until')
if not known[1] or tonumber(known[1]) >= asked then return {'OVER'} end
if known[3] and now < tonumber(known[3]) then return {'TAKEN'} end
if tonumber(known[2]) < asked then
  local wait = charge(now, 2, 4)
  if wait > 0 then return {'WAIT', wait} end
  redis.call('HSET', KEYS[1], 'charged', asked, 'charged_at', ARGV[1])
end
redis.call('HSET', KEYS[1], 'sending_until', string.format('%d', now + tonumber(ARGV[3])))
return {'YOURS'}
"""
)
NOT_SENT: Final = (
    limits.FUNCTIONS
    + """
local asked = tonumber(ARGV[1])
local known = redis.call('HMGET', KEYS[1], 'charged', 'charged_at')
redis.call('HDEL', KEYS[1], 'sending_until')
if not known[1] or tonumber(known[1]) ~= asked then return 0 end
redis.call('HSET', KEYS[1], 'charged', asked - 1)
for i = 2, #KEYS do
  uncount(KEYS[i], tonumber(known[2]), tonumber(ARGV[3 * i - 3]))
end
return 0
"""
)
SENT: Final = """
local sent = redis.call('HGET', KEYS[1], 'sent')
if sent and tonumber(sent) < tonumber(ARGV[1]) then redis.call('HSET', KEYS[1], 'sent', ARGV[1]) end
redis.call('HDEL', KEYS[1], 'sending_until')
return 0
"""
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
# A right code that came too late was no guess, and counts as no failure; nor is it held up by those of
# others behind its address. A guess counts as a try even where the address has to wait: else whoever
# waits could go on guessing, and learn from the one answer that is no wait.
CLAIM: Final = (
    limits.FUNCTIONS
    + """
local now, device, purpose, most_tries = tonumber(ARGV[1]), ARGV[2], ARGV[3], tonumber(ARGV[4])
local most, window = tonumber(ARGV[7]), tonumber(ARGV[8])
local hashes, first = {}, 10 + tonumber(ARGV[9])
for i = 10, first - 1 do hashes[ARGV[i]] = true end
local found = redis.call('HMGET', KEYS[1], 'person', 'device', 'purpose', 'tries', 'code1', 'until1',
  'code2', 'until2', 'claimed', 'claimed_until', 'member', 'data', 'key_id', 'asker', 'salt')
if not found[1] then return {'WRONG'} end
local failures = ARGV[6] .. found[1]
local wait = wait_for(failures, now, most, window)
if wait > 0 then return {'WAIT', wait} end
local is_bound = found[2] == device and found[3] == purpose
local is_newest = is_bound and hashes[found[5]]
local is_older = is_bound and hashes[found[7]]
if is_newest or is_older then
  local code = is_newest and found[5] or found[7]
  local is_alive = (is_newest and now < tonumber(found[6])) or (is_older and now < tonumber(found[8]))
    or (found[9] == code and now < tonumber(found[10]))
  if not is_alive or tonumber(found[4]) >= most_tries then return {'WRONG'} end
  if not found[9] then
    redis.call('HSET', KEYS[1], 'claimed', code,
      'claimed_until', string.format('%d', now + tonumber(ARGV[5])))
  end
  return {'RIGHT', found[11], found[12], found[13], found[14], found[15]}
end
wait = longest_wait(now, 2, first)
redis.call('HINCRBY', KEYS[1], 'tries', 1)
count(failures, now, window)
if wait > 0 then return {'WAIT', wait} end
if is_bound then count_all(now, 2, first) end
return {'WRONG'}
"""
)
