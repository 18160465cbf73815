/**
 * Lua that keeps BullMQ's queues as the records are, by BullMQ's own scripts: each is a function here, see `bullScripts`.
 * They are called without locks (the token is `0`): what fences a job is the claim in its record.
 */
export const QUEUE = `
-- BullMQ takes no colon in the name of a queue.
local function queueOf(plugin)
  return Q .. ':' .. string.gsub(plugin, '[%%:]', { ['%'] = '%25', [':'] = '%3A' }) .. ':'
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
  local args = cmsgpack.pack({ q, id, job.name or 'execute', text(now) })
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

-- Moves the first job of a queue to those that run: its identifier there and what the queue has of it; nil: it has none.
local function takeFromQueue(q, node)
  local got = bull.moveToActive(
    keysOf(q, 'wait', 'active', 'prioritized', 'events', 'stalled', 'limiter', 'delayed', 'paused', 'meta', 'pc', 'marker'),
    { q, text(now), cmsgpack.pack({ token = '0', lockDuration = 0, name = node }) })
  if type(got[1]) ~= 'table' then return nil end
  return got[2], fields(got[1])
end

local function delayInQueue(job, delayMs)
  local q = queueOf(job.plugin)
  bull.moveToDelayed(
    keysOf(q, 'marker', 'active', 'prioritized', 'delayed', bullId(job), 'events', 'meta', 'stalled', 'wait', 'limiter', 'pc'),
    { q, text(now), bullId(job), '0', text(delayMs), '0', '', '0', '' })
end

-- Back to where it was.
local function returnToQueue(job)
  local q = queueOf(job.plugin)
  bull.moveJobFromActiveToWait(
    keysOf(q, 'active', 'wait', 'stalled', 'paused', 'meta', 'limiter', 'prioritized', 'marker', 'events'),
    { bullId(job), '0', q .. bullId(job) })
end

-- Ends a job that runs, with its result or why it failed as dashboards show it.
local function endInQueue(job, isDone, said)
  local q = queueOf(job.plugin)
  local target = isDone and 'completed' or 'failed'
  bull.moveToFinished(
    keysOf(q, 'wait', 'active', 'prioritized', 'events', 'stalled', 'limiter', 'delayed', 'paused', 'meta', 'pc',
      target, bullId(job), 'metrics:' .. target, 'marker'),
    { bullId(job), text(now), isDone and 'returnvalue' or 'failedReason', said, target, '0', q,
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
