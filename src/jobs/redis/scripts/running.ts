// Scripts for a program that runs jobs, each the whole of a change.

import { TAKEN_FIELDS } from '../taken-job.ts';

/** Takes jobs: the next ones of each queue are claimed for a node. Answers with their records, inputs and results before them. */
export const TAKE = `
local wanted, node, spare = cjson.decode(ARGV[3]), ARGV[4], ARGV[5]
-- Between so many jobs it is looked how long their inputs are: 1 MiB each at most.
local MAX_BYTES, MOST_AT_ONCE = 16 * 1024 * 1024, 16
local taken, adopted = {}, 0
-- Where it was thought gone, and goes on: others must see when it ends.
rcall('ZADD', P .. 'nodes', 'NX', nowText, node)
if rcall('SISMEMBER', P .. 'paused', '*') == 1 then return taken end

local TOLD = { ${TAKEN_FIELDS.map((field) => `'${field}'`).join(', ')} }
local function toldOf(job)
  local list = {}
  for i, field in ipairs(TOLD) do list[i] = job[field] or false end
  return list
end

-- Identifiers for the jobs of others: one of the program's with its end counted.
local function newId()
  adopted = adopted + 1
  return string.sub(spare, 1, -5) .. string.format('%04x', adopted)
end

local function resultsBefore(job)
  local results = {}
  for _, blocker in ipairs(blockersOf(job)) do
    local isFile = rcall('HGET', P .. 'job:' .. blocker[1], 'resultFile')
    local result = isFile and '' or rcall('GET', P .. 'result:' .. blocker[1])
    if result then
      results[#results + 1] = blocker[2]
      results[#results + 1] = isFile or ''
      results[#results + 1] = result
    end
  end
  return results
end

-- Whether a job that its queue has given out may be taken; what may not is set right there.
local function mayTake(job)
  if job.state == 'waiting' or job.state == 'delayed' then
    if job.expiresAt and tonumber(job.expiresAt) <= now then
      write(job, { node = node })
      move(job, 'taken', {})
      expire(job)
      return false
    end
    return true
  end
  -- A dashboard has put it in again.
  if isFinal(job.state) then
    revive(job)
    return true
  end
  if job.state == 'blocked' then removeFromQueue(job) end
  return false
end

-- The job that has this identifier in the queue of a plugin; nil: none that may be run.
local function jobInQueue(plugin, q, bullJob)
  local job = read(bullJob)
  if job and job.plugin == plugin and job.bull == nil then return job end
  local inQueue = fields(rcall('HGETALL', q .. bullJob))
  if inQueue.greenroom then
    job = read(inQueue.greenroom)
    if job and bullId(job) == bullJob and job.plugin == plugin then return job end
  elseif inQueue.name then return adopt(plugin, bullJob, inQueue, newId()) end
  dropFromQueue(q, bullJob)
end

local function takeOf(plugin, most)
  local q, length, found, isLast = queueOf(plugin), 0, 0, false
  while found < most and not isLast do
    if length > MAX_BYTES then
      -- Who gets fewer than it asked for takes it that there are no more.
      tell({ kind = 'waiting', plugin = plugin })
      return
    end
    local ids
    ids, isLast = takeFromQueue(q, node, math.min(most - found, MOST_AT_ONCE))
    for _, bullJob in ipairs(ids) do
      local job = jobInQueue(plugin, q, bullJob)
      if job and mayTake(job) then
        if job.dueAt then rcall('ZREM', P .. 'due', job.id) end
        index('S', 'held:' .. node, job.id, true)
        move(job, 'taken', { claim = job.claim + 1, node = node, dueAt = false })
        local input = job.inputFile and '' or rcall('GET', P .. 'input:' .. job.id) or ''
        length = length + #input
        found = found + 1
        taken[#taken + 1] = { job.id, toldOf(job), input, resultsBefore(job) }
      end
    end
  end
end

for _, each in ipairs(wanted) do
  if rcall('SISMEMBER', P .. 'paused', each.plugin) == 0 then takeOf(each.plugin, each.count) end
end
publish()
return taken
`;

/** Attempts have reached their workers. */
export const BEGIN = `
for _, begun in ipairs(cjson.decode(ARGV[3])) do
  local job = read(begun.id)
  if job and job.state == 'taken' and tonumber(job.claim) == begun.claim then
    local changes = {}
    keepAttempt(job, { startedAt = now - begun.agoMs, generation = begun.generation }, changes)
    move(job, 'running', changes)
    tell({ kind = 'changed', id = job.id })
  end
end
publish()
`;

/** How far jobs have come. */
export const PROGRESS = `
for _, update in ipairs(cjson.decode(ARGV[3])) do
  local job = read(update.id)
  if job and job.state == 'running' and tonumber(job.claim) == update.claim then
    write(job, { progress = update.progress })
    local q = queueOf(job.plugin)
    bull.updateProgress(keysOf(q, bullId(job), 'events', 'meta'), { bullId(job), update.progress })
    tell({ kind = 'changed', id = job.id })
  end
end
publish()
`;

/**
 * Attempts have ended: `ok`, or `lost` where the job is in other hands.
 *
 * Here and in other scripts, `PERSIST` changes nothing: a full Redis refuses a script's first change, and not those after
 * it, and what has ended must be known and gives it room.
 */
export const SETTLE = `
local answers = {}
rcall('PERSIST', P .. 'nodes')
for i, ended in ipairs(cjson.decode(ARGV[3])) do
  local job = read(ended.id)
  local mark = text(ended.claim) .. ' ' .. ended['end']
  if job and inHands(job) and tonumber(job.claim) == ended.claim then
    local changes = { settled = mark }
    if ended.begun and job.state == 'taken' then
      keepAttempt(job, {
        startedAt = now - ended.begun.agoMs, generation = ended.begun.generation,
        endedAt = now, ['end'] = ended['end'], error = ended.error,
      }, changes)
    else endAttempt(job, ended['end'], ended.error) end
    if ended['end'] == 'failed' and ended.retryAfterMs then
      release(job)
      changes.claim, changes.error = job.claim + 1, ended.error
      changes.delayMs, changes.dueAt = ended.retryAfterMs, now + ended.retryAfterMs
      changes.progress, changes.node, changes.cancel = false, false, false
      move(job, 'delayed', changes)
      rcall('ZADD', P .. 'due', text(now + ended.retryAfterMs), job.id)
      delayInQueue(job, ended.retryAfterMs)
      tell({ kind = 'changed', id = job.id })
    else
      if ended['end'] == 'done' then
        if ended.resultFile then changes.resultFile = ended.resultFile
        else rcall('SET', P .. 'result:' .. job.id, ARGV[3 + i]) end
      end
      finish(job, ended['end'], ended.error, ended.said, changes)
    end
    answers[i] = 'ok'
  elseif job and job.settled == mark then
    -- Asked again, as the first answer was lost on the way.
    answers[i] = 'ok'
  else answers[i] = 'lost' end
end
writeCompleted()
publish()
return answers
`;

/** Jobs that were taken go back. */
export const GIVE_BACK = `
rcall('PERSIST', P .. 'nodes')
for _, claim in ipairs(cjson.decode(ARGV[3])) do
  local job = read(claim.id)
  if job and inHands(job) and tonumber(job.claim) == claim.claim then giveBack(job) end
end
publish()
`;
