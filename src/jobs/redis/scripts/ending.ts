/**
 * Lua that ends jobs, and does what follows from that: jobs that come after one are ready, or fail with it. The errors that
 * arise here are causes, `@NAME ARGUMENTS`, which are put into words where they are read: see `errorOfRecord`.
 */
export const ENDING = `
local REASONS = {
  blocker = 'a job that it comes after did not end well',
  expired = 'not begun in time',
  interrupted = 'its program ended while it ran',
  removed = 'removed from its queue',
  often = 'its program ended too often while it ran',
}

-- The jobs that it comes after, with the names that its input has for them.
local function blockersOf(job)
  if job.after == nil then return {} end
  return cjson.decode(job.after)
end

-- A job before it that is not done, one that has failed before others; nil: none.
local function openBlocker(job)
  local open
  for _, blocker in ipairs(blockersOf(job)) do
    local state = rcall('HGET', P .. 'job:' .. blocker[1], 'state')
    if state == 'failed' or state == 'cancelled' then return blocker[1], state end
    if state and state ~= 'done' and open == nil then open = { blocker[1], state } end
  end
  if open then return open[1], open[2] end
end

-- A job may be taken, after its delay if it has one.
local function makeReady(job, delayMs)
  if delayMs > 0 then
    move(job, 'delayed', { dueAt = now + delayMs })
    rcall('ZADD', P .. 'due', text(now + delayMs), job.id)
    tell({ kind = 'changed', id = job.id })
  else
    move(job, 'waiting', { readyAt = now })
    tell({ kind = 'waiting', plugin = job.plugin })
  end
  addToQueue(job, delayMs)
end

local function release(job)
  index('S', 'held:' .. job.node, job.id, false)
  if job.cancel then rcall('SREM', P .. 'cancels:' .. job.node, job.id) end
end

-- changes: other fields of its record.
local function markEnded(job, state, failure, reason, changes)
  local held, from = inHands(job), job.state
  if held then release(job) end
  if job.dueAt then rcall('ZREM', P .. 'due', job.id) end
  if job.expiresAt then rcall('ZREM', P .. 'expiry', job.id) end
  changes = changes or {}
  changes.claim, changes.endedAt = job.claim + 1, now
  changes.error, changes.expiresAt, changes.cancel = failure or false, false, false
  move(job, state, changes)
  index('Z', 'ended', job.id, now)
  if held then endInQueue(job, state == 'done', reason)
  elseif from ~= 'blocked' then removeFromQueue(job) end
  tell({ kind = 'ended', id = job.id, ['end'] = state })
end

local function blockedAfter(id)
  local found = {}
  for _, child in ipairs(rcall('SMEMBERS', P .. 'children:' .. id)) do
    local job = read(child)
    if job and job.state == 'blocked' then found[#found + 1] = job end
  end
  return found
end

-- Ends a job. said: its result for dashboards, or why it failed; changes: other fields of its record.
local function finish(job, state, failure, said, changes)
  markEnded(job, state, failure, said, changes)
  if state == 'done' then
    for _, child in ipairs(blockedAfter(job.id)) do
      -- Its delay begins when nothing else keeps it.
      if openBlocker(child) == nil then makeReady(child, tonumber(child.delayMs)) end
    end
    return
  end
  -- A chain may be longer than the stack is deep.
  local failed = { job }
  local at = 1
  while failed[at] do
    for _, child in ipairs(blockedAfter(failed[at].id)) do
      markEnded(child, 'failed', '@blocker ' .. failed[at].id .. ' ' .. failed[at].state, REASONS.blocker)
      failed[#failed + 1] = child
    end
    at = at + 1
  end
end

local function expire(job)
  finish(job, 'failed', '@expired ' .. (job.ttlMs or '0'), REASONS.expired)
end

-- A job that a dashboard has removed.
local function endRemoved(job)
  finish(job, 'cancelled', '@removed', REASONS.removed)
end

local MAX_ATTEMPTS_KEPT = 20

-- Another attempt at a job. Adds to changes what its record is to say of it.
local function keepAttempt(job, attempt, changes)
  attempt.number = job.attempt + 1
  changes.attempt, changes.startedAt, changes.expiresAt, changes.progress = attempt.number, attempt.startedAt, false, false
  if job.expiresAt then
    rcall('ZREM', P .. 'expiry', job.id)
    job.expiresAt = nil
  end
  rcall('RPUSH', P .. 'attempts:' .. job.id, cjson.encode(attempt))
  if attempt.number > MAX_ATTEMPTS_KEPT then rcall('LTRIM', P .. 'attempts:' .. job.id, -MAX_ATTEMPTS_KEPT, -1) end
end

-- How the last attempt ended, where it has not yet.
local function endAttempt(job, ending, failure)
  local key = P .. 'attempts:' .. job.id
  local last = rcall('LINDEX', key, -1)
  if not last then return end
  local attempt = cjson.decode(last)
  if attempt.endedAt then return end
  attempt.endedAt = now
  attempt['end'] = ending
  attempt.error = failure
  rcall('LSET', key, -1, cjson.encode(attempt))
end

local MAX_INTERRUPTIONS = 10

-- What was in the hands of a program that gives it back, or has ended, waits again.
local function giveBack(job)
  local changes = { claim = job.claim + 1, node = false, cancel = false, progress = false }
  if job.state == 'running' then
    local times = (job.interruptions or 0) + 1
    local failure = '@interrupted ' .. (job.once == '1' and 'once' or 'again')
    write(job, { interruptions = times })
    endAttempt(job, 'interrupted', failure)
    if job.cancel then return finish(job, 'cancelled', job.cancel, 'cancelled') end
    if job.once == '1' then return finish(job, 'failed', failure, REASONS.interrupted) end
    if times >= MAX_INTERRUPTIONS then return finish(job, 'failed', '@often ' .. text(times), REASONS.often) end
    -- It does not count as one of its attempts.
    changes.attempts = job.attempts + 1
    changes.error = failure
  elseif job.cancel then
    return finish(job, 'cancelled', job.cancel, 'cancelled')
  end
  release(job)
  move(job, 'waiting', changes)
  returnToQueue(job)
  tell({ kind = 'waiting', plugin = job.plugin })
end

local function remove(job)
  local q = queueOf(job.plugin)
  if job.bull == nil then dropEnded(q, job.id) else dropFromQueue(q, job.bull) end
  leave(job, shown(job.state))
  index('Z', 'all', job.id, false)
  index('Z', 'of:' .. job.plugin, job.id, false)
  index('Z', 'ended', job.id, false)
  if job.key and rcall('HGET', P .. 'keys', job.key) == job.id then rcall('HDEL', P .. 'keys', job.key) end
  for _, blocker in ipairs(blockersOf(job)) do rcall('SREM', P .. 'children:' .. blocker[1], job.id) end
  rcall('DEL', unpack(keysOf(P, 'job:' .. job.id, 'attempts:' .. job.id, 'input:' .. job.id, 'result:' .. job.id,
    'children:' .. job.id)))
end

-- Has a job that has ended run again.
local function revive(job)
  index('Z', 'ended', job.id, false)
  rcall('DEL', P .. 'result:' .. job.id)
  write(job, {
    attempts = job.attempt + job.tries, interruptions = 0, error = false, endedAt = false, progress = false, settled = false,
    resultFile = false,
  })
end
`;
