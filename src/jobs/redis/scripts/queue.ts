/**
 * Lua that keeps BullMQ's queues as the records are, by BullMQ's own scripts: each is a function here, see `bullScripts`.
 * They are called without locks (the token is `0`): what fences a job is the claim in its record.
 *
 * BullMQ's scripts move one job each, and look for much that our jobs never have: parents, locks, limits. What is done with
 * every job is done here, taking and ending it well for several at once, and forgetting it, and leaves in the queue what
 * BullMQ's scripts leave. Versions of BullMQ that share a queue agree on that as well. Everything else is theirs.
 */
export const QUEUE = `
local queues = {}

-- BullMQ takes no colon in the name of a queue.
local function queueOf(plugin)
  local q = queues[plugin]
  if q == nil then
    q = Q .. ':' .. string.gsub(plugin, '[%%:]', { ['%'] = '%25', [':'] = '%3A' }) .. ':'
    queues[plugin] = q
  end
  return q
end

-- The identifier that a job has in its queue: another than ours where another program added it.
local function bullId(job)
  return job.bull or job.id
end

local function keysOf(q, ...)
  local keys = {}
  for i, name in ipairs({...}) do keys[i] = q .. name end
  return keys
end

local function isInQueue(job)
  return rcall('EXISTS', queueOf(job.plugin) .. bullId(job)) == 1
end

local function dropFromQueue(q, id)
  bull.removeJob(keysOf(q, id, 'repeat'), { id, 0, q })
end

local maxEvents = {}

-- How many events a queue keeps.
local function maxEventsOf(q)
  maxEvents[q] = maxEvents[q] or rcall('HGET', q .. 'meta', 'opts.maxLenEvents') or 10000
  return maxEvents[q]
end

-- Removes a job that we have added, and that has most likely ended well.
local function dropEnded(q, id)
  if rcall('ZREM', q .. 'completed', id) == 0 then return dropFromQueue(q, id) end
  rcall('DEL', unpack(keysOf(q .. id, '', ':logs', ':dependencies', ':processed', ':failed', ':unsuccessful')))
  rcall('XADD', q .. 'events', 'MAXLEN', '~', maxEventsOf(q), '*', 'event', 'removed', 'jobId', id, 'prev', 'completed')
end

local function removeFromQueue(job)
  local q = queueOf(job.plugin)
  -- It may be put in again.
  local kept = rcall('HMGET', q .. bullId(job), 'name', 'data')
  if kept[1] then write(job, { name = kept[1], data = kept[2] }) end
  dropFromQueue(q, bullId(job))
end

-- Puts a job that waits, or is delayed, into its queue.
local function addToQueue(job, delayMs)
  local q = queueOf(job.plugin)
  local id = bullId(job)
  if rcall('EXISTS', q .. id) == 1 then removeFromQueue(job) end
  local args = cmsgpack.pack({ q, id, job.name or 'execute', nowText })
  local opts = { priority = tonumber(job.bullPriority), attempts = tonumber(job.attempts) }
  if delayMs > 0 then
    opts.delay = delayMs
    bull.addDelayedJob(
      keysOf(q, 'marker', 'meta', 'id', 'delayed', 'completed', 'events'),
      { args, job.data or 'null', cmsgpack.pack(opts) })
  else
    bull.addPrioritizedJob(
      keysOf(q, 'marker', 'meta', 'id', 'prioritized', 'delayed', 'completed', 'active', 'events', 'pc'),
      { args, job.data or 'null', cmsgpack.pack(opts) })
  end
  rcall('HSET', q .. id, 'greenroom', job.id)
  write(job, { name = false, data = false })
end

local function promoteInQueue(job)
  local q = queueOf(job.plugin)
  bull.promote(
    keysOf(q, 'delayed', 'wait', 'paused', 'meta', 'prioritized', 'active', 'pc', 'events', 'marker'),
    { q, bullId(job) })
end

-- Whether the next jobs of a queue are those of the highest priorities: not paused or limited by others, and neither jobs
-- without priority, which only other programs add, nor delayed ones stand before them.
local function isByPriority(q)
  local held = rcall('HMGET', q .. 'meta', 'paused', 'concurrency', 'max')
  return not (held[1] or held[2] or held[3]) and rcall('EXISTS', q .. 'wait') == 0
    and rcall('ZCOUNT', q .. 'delayed', 0, text((now + 1) * 4096 - 1)) == 0
end

-- Moves the first jobs of a queue to those that run: their identifiers there, and whether that were all it has.
local function takeFromQueue(q, node, most)
  if isByPriority(q) then
    local popped, ids = rcall('ZPOPMIN', q .. 'prioritized', most), {}
    for i = 1, #popped, 2 do
      local id = popped[i]
      ids[#ids + 1] = id
      rcall('HSET', q .. id, 'processedOn', nowText, 'pb', node)
      rcall('HINCRBY', q .. id, 'ats', 1)
      rcall('XADD', q .. 'events', '*', 'event', 'active', 'jobId', id, 'prev', 'waiting')
    end
    if #ids > 0 then
      rcall('LPUSH', q .. 'active', unpack(ids))
      rcall('ZADD', q .. 'marker', 0, '0')
      return ids, #ids < most
    end
  end
  local got = bull.moveToActive(
    keysOf(q, 'wait', 'active', 'prioritized', 'events', 'stalled', 'limiter', 'delayed', 'paused', 'meta', 'pc', 'marker'),
    { q, nowText, cmsgpack.pack({ token = '0', lockDuration = 0, name = node }) })
  if type(got[1]) ~= 'table' then return {}, true end
  return { got[2] }, false
end

local function delayInQueue(job, delayMs)
  local q = queueOf(job.plugin)
  bull.moveToDelayed(
    keysOf(q, 'marker', 'active', 'prioritized', 'delayed', bullId(job), 'events', 'meta', 'stalled', 'wait', 'limiter', 'pc'),
    { q, nowText, bullId(job), '0', text(delayMs), '0', '', '0', '' })
end

-- Back to where it was.
local function returnToQueue(job)
  local q = queueOf(job.plugin)
  bull.moveJobFromActiveToWait(
    keysOf(q, 'active', 'wait', 'stalled', 'paused', 'meta', 'limiter', 'prioritized', 'marker', 'events'),
    { bullId(job), '0', q .. bullId(job) })
end

local completed = {}

-- Ends a job that runs well, with its result as dashboards show it.
local function completeInQueue(q, id, said)
  -- It has been removed from its queue.
  if rcall('LREM', q .. 'active', -1, id) == 0 then return end
  rcall('HINCRBY', q .. id, 'atm', 1)
  rcall('HSET', q .. id, 'returnvalue', said, 'finishedOn', nowText)
  rcall('XADD', q .. 'events', '*', 'event', 'completed', 'jobId', id, 'returnvalue', said, 'prev', 'active')
  local ids = completed[q] or {}
  completed[q] = ids
  ids[#ids + 1] = nowText
  ids[#ids + 1] = id
end

-- At the end of what completes jobs.
local function writeCompleted()
  for q, ids in pairs(completed) do
    rcall('ZADD', q .. 'completed', unpack(ids))
    rcall('XTRIM', q .. 'events', 'MAXLEN', '~', maxEventsOf(q))
    if rcall('EXISTS', q .. 'wait', q .. 'active', q .. 'prioritized') == 0 then
      rcall('XADD', q .. 'events', '*', 'event', 'drained')
    end
  end
  completed = {}
end

-- Ends a job that runs, with its result or why it failed as dashboards show it.
local function endInQueue(job, isDone, said)
  local q = queueOf(job.plugin)
  -- One that another program has added may have what only BullMQ's script ends: parents, a key of its own.
  if isDone and job.bull == nil then return completeInQueue(q, bullId(job), said) end
  local target = isDone and 'completed' or 'failed'
  bull.moveToFinished(
    keysOf(q, 'wait', 'active', 'prioritized', 'events', 'stalled', 'limiter', 'delayed', 'paused', 'meta', 'pc',
      target, bullId(job), 'metrics:' .. target, 'marker'),
    { bullId(job), nowText, isDone and 'returnvalue' or 'failedReason', said, target, '0', q,
      cmsgpack.pack({ token = '0', keepJobs = { count = -1 }, attempts = tonumber(job.attempts), maxMetricsSize = '' }) })
end

-- Gives a job that waits another place: before all others of its plugin, or with its new priority behind those that have it.
local function moveInQueue(job, isFirst)
  local q = queueOf(job.plugin)
  bull.changePriority(
    keysOf(q, 'wait', 'paused', 'meta', 'prioritized', 'active', 'pc', 'marker'),
    { job.bullPriority, q, bullId(job), isFirst and '1' or '0' })
end
`;
