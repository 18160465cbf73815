// Longer than others because it is the one place where jobs change, as the embedded store's table is; each is a script.

import { TAKEN_FIELDS } from '../taken-job.ts';

/** Adds jobs, all or none: looks at all of them before the first change. */
export const ADD = `
local jobs = cjson.decode(ARGV[3])
-- Of jobs that are there already, by what their identifiers would have been; and the states of those of this batch.
local there, states, keys = {}, {}, {}
local added = {}
for _, job in ipairs(jobs) do
  local known = rcall('HGET', P .. 'job:' .. job.id, 'state')
  local same = job.key and (keys[job.key] or rcall('HGET', P .. 'keys', job.key))
  if known then
    -- Asked again, as the first answer was lost on the way.
    there[job.id] = job.id
    added[#added + 1] = { job.id, 1 }
  elseif same then
    local fingerprint = keys[job.key] and keys[same] or rcall('HGET', P .. 'job:' .. same, 'fingerprint')
    if fingerprint ~= job.fingerprint then return { 'key', job.id, same } end
    there[job.id] = same
    added[#added + 1] = { same, 0 }
  else
    for _, blocker in ipairs(job.after or {}) do
      blocker[1] = there[blocker[1]] or blocker[1]
      if not states[blocker[1]] and rcall('EXISTS', P .. 'job:' .. blocker[1]) == 0 then
        return { 'blocker', job.id, blocker[1] }
      end
    end
    states[job.id] = true
    if job.key then
      keys[job.key] = job.id
      keys[job.id] = job.fingerprint
    end
    added[#added + 1] = { job.id, 1 }
  end
end
for i, said in ipairs(jobs) do
  if not there[said.id] then
    if said.inputFile == nil then rcall('SET', P .. 'input:' .. said.id, ARGV[3 + i]) end
    local job = { id = said.id, plugin = said.plugin }
    local expiresAt = said.ttlMs and now + said.ttlMs
    local after = said.after
    said.id = nil
    said.after = after and cjson.encode(after)
    said.addedAt, said.expiresAt = now, expiresAt
    said.attempt, said.claim, said.interruptions = 0, 0, 0
    write(job, said)
    index('Z', 'all', job.id, 0)
    index('Z', 'of:' .. job.plugin, job.id, 0)
    if expiresAt then rcall('ZADD', P .. 'expiry', text(expiresAt), job.id) end
    if job.key then rcall('HSET', P .. 'keys', job.key, job.id) end
    for _, blocker in ipairs(after or {}) do rcall('SADD', P .. 'children:' .. blocker[1], job.id) end
    local blocker, state = openBlocker(job)
    if blocker == nil then makeReady(job, tonumber(job.delayMs))
    else
      move(job, 'blocked', {})
      if isFinal(state) then finish(job, 'failed', '@blocker ' .. blocker .. ' ' .. state, REASONS.blocker)
      else tell({ kind = 'changed', id = job.id }) end
    end
  end
end
publish()
return { 'added', added }
`;

/** Takes jobs: the next ones of each queue are claimed for a node. Answers with their records, inputs and results before them. */
export const TAKE = `
local wanted, node, spare = cjson.decode(ARGV[3]), ARGV[4], ARGV[5]
-- Between so many jobs it is looked how long their inputs are: 1 MiB each at most.
local MAX_BYTES, MOST_AT_ONCE = 16 * 1024 * 1024, 16
local taken, adopted = {}, 0
-- Where it was thought gone, and goes on: others must see when it ends.
rcall('ZADD', P .. 'nodes', 'NX', text(now), node)
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
 * Here and below, `PERSIST` changes nothing: a full Redis refuses a script's first change, and not those after it, and what
 * has ended must be known and gives it room.
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

/** Ends jobs that nobody has, and tells of the others. */
export const CANCEL = `
local failure, said, answers = ARGV[4], ARGV[5], {}
for i, id in ipairs(cjson.decode(ARGV[3])) do
  local job = read(id)
  answers[i] = stateOf(job)
  if job and inHands(job) then
    answers[i] = 'running'
    write(job, { cancel = failure })
    rcall('SADD', P .. 'cancels:' .. job.node, id)
    tell({ kind = 'cancel', plugin = job.plugin, id = id, error = failure })
  elseif job and not isFinal(job.state) then finish(job, 'cancelled', failure, said) end
end
publish()
return answers
`;

/** Has jobs that have ended run again. Answers with what each was, and the files of results that are useless now. */
export const RETRY = `
local answers, files = {}, {}
for i, id in ipairs(cjson.decode(ARGV[3])) do
  local job = read(id)
  answers[i] = stateOf(job)
  if job and isFinal(job.state) then
    files[#files + 1] = job.resultFile
    revive(job)
    local blocker, state = openBlocker(job)
    if blocker == nil then makeReady(job, 0)
    else
      removeFromQueue(job)
      move(job, 'blocked', {})
      if isFinal(state) then finish(job, 'failed', '@blocker ' .. blocker .. ' ' .. state, REASONS.blocker)
      else tell({ kind = 'changed', id = id }) end
    end
  end
end
publish()
return { answers, files }
`;

/** Removes jobs that have ended. Answers with what each was, and the files that are useless now. */
export const REMOVE = `
local answers, files = {}, {}
for i, id in ipairs(cjson.decode(ARGV[3])) do
  local job = read(id)
  answers[i] = stateOf(job)
  if job and isFinal(job.state) then
    files[#files + 1] = job.inputFile
    files[#files + 1] = job.resultFile
    remove(job)
    tell({ kind = 'changed', id = id })
  end
end
publish()
return { answers, files }
`;

/** Gives a job another priority, or the first place. */
export const PLACE = `
local job = read(ARGV[3])
local answer = stateOf(job)
if not job or isFinal(job.state) then return answer end
if ARGV[4] ~= '' then
  write(job, { priority = ARGV[4], bullPriority = ARGV[5] })
  if job.state == 'waiting' or job.state == 'delayed' then moveInQueue(job, false) end
end
if ARGV[6] == '1' and job.state == 'waiting' then
  local q = queueOf(job.plugin)
  local head = rcall('ZRANGE', q .. 'prioritized', 0, 0, 'WITHSCORES')
  local first = head[1] and read(rcall('HGET', q .. head[1], 'greenroom') or '')
  if first and tonumber(first.priority) > tonumber(job.priority) then
    write(job, { priority = first.priority, bullPriority = first.bullPriority })
  end
  if head[1] and head[1] ~= bullId(job) then
    moveInQueue(job, true)
    -- Before one that was made the first earlier, which has the same place for BullMQ.
    rcall('ZADD', q .. 'prioritized', text(head[2] - 1), bullId(job))
  end
end
tell({ kind = 'changed', id = job.id })
publish()
return answer
`;

/** Takes no jobs of these plugins until they are resumed. */
export const PAUSE = `
for i = 3, #ARGV do rcall('SADD', P .. 'paused', ARGV[i]) end
`;

/** Takes them again; without names, of all. */
export const RESUME = `
if #ARGV == 2 then rcall('DEL', P .. 'paused') end
for i = 3, #ARGV do rcall('SREM', P .. 'paused', ARGV[i]) end
for _, field in ipairs(rcall('HKEYS', P .. 'counts')) do
  local plugin = string.match(field, '^waiting (.*)$')
  if plugin then tell({ kind = 'waiting', plugin = plugin }) end
end
publish()
`;

/**
 * Ends the jobs of these plugins that wait, and that a dashboard has removed from their queue. With those that run, a queue
 * has as many as there are records, or more where other programs have added some, else it is looked for which are missing.
 */
export const AUDIT = `
local MOST = 1000
for i = 3, #ARGV do
  local plugin, q = ARGV[i], queueOf(ARGV[i])
  local inQueue = rcall('LLEN', q .. 'wait') + rcall('ZCARD', q .. 'prioritized') + rcall('LLEN', q .. 'active')
  local waiting = rcall('ZCARD', P .. 'in:waiting:' .. plugin)
  if waiting + rcall('ZCARD', P .. 'in:running:' .. plugin) > inQueue then
    for _, id in ipairs(rcall('ZRANGE', P .. 'in:waiting:' .. plugin, 0, MOST - 1)) do
      local job = read(id)
      if job and job.state == 'waiting' and not isInQueue(job) then endRemoved(job) end
    end
  end
end
publish()
`;

/** The job of each plugin that would be given next; plugins without one, and paused ones, are left out. */
export const HEADS = `
local heads = {}
if rcall('SISMEMBER', P .. 'paused', '*') == 1 then return heads end
for i = 3, #ARGV do
  local plugin, q = ARGV[i], queueOf(ARGV[i])
  local bullJob = rcall('LINDEX', q .. 'wait', -1) or rcall('ZRANGE', q .. 'prioritized', 0, 0)[1]
    or rcall('ZRANGEBYSCORE', q .. 'delayed', 0, text((now + 1) * 4096 - 1), 'LIMIT', 0, 1)[1]
  if bullJob and rcall('SISMEMBER', P .. 'paused', plugin) == 0 and rcall('HEXISTS', q .. 'meta', 'paused') == 0 then
    local known = rcall('HMGET', q .. bullJob, 'greenroom', 'timestamp')
    local job = known[1] and read(known[1])
    local since = job and (job.readyAt or job.addedAt) or known[2] or now
    heads[#heads + 1] = { plugin, known[1] or bullJob, job and job.priority or '0', text(math.max(0, now - since)) }
  end
end
return heads
`;

/**
 * A node is alive. What is due is made ready; nodes that are gone are taken over, one at a time and so many jobs at once;
 * the history is pruned. Answers with how many jobs the node holds, and which of them are to be cancelled.
 */
export const BEAT = `
local node, announced, goneMs, maxJobs, maxAgeMs = ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local MOST = 100

-- Nodes that live must not seem gone because Redis is full.
rcall('PERSIST', P .. 'nodes')
rcall('ZADD', P .. 'nodes', text(now), node)
-- When nobody has said anything for long, Redis was away, and those that live have their time to come back.
local lastBeat = rcall('GET', P .. 'lastBeat')
if lastBeat and now - lastBeat > goneMs / 2 then rcall('SET', P .. 'grace', 1, 'PX', text(goneMs)) end
rcall('SET', P .. 'lastBeat', text(now))
local longest = rcall('EXISTS', P .. 'grace') == 1 and math.huge or goneMs
if announced ~= '' then rcall('HSET', P .. 'texts', node, announced) end

for _, id in ipairs(rcall('ZRANGEBYSCORE', P .. 'due', '-inf', text(now), 'LIMIT', 0, MOST)) do
  rcall('ZREM', P .. 'due', id)
  local job = read(id)
  if job and job.state == 'delayed' and isInQueue(job) then
    move(job, 'waiting', { dueAt = false, readyAt = now })
    promoteInQueue(job)
    tell({ kind = 'waiting', plugin = job.plugin })
    tell({ kind = 'changed', id = id })
  elseif job and job.state == 'delayed' then endRemoved(job) end
end
for _, id in ipairs(rcall('ZRANGEBYSCORE', P .. 'expiry', '-inf', text(now), 'LIMIT', 0, MOST)) do
  rcall('ZREM', P .. 'expiry', id)
  local job = read(id)
  if job and not inHands(job) and not isFinal(job.state) then expire(job) end
end

for _, gone in ipairs(rcall('ZRANGEBYSCORE', P .. 'nodes', '-inf', text(now - longest), 'LIMIT', 0, 1)) do
  local held = rcall('SMEMBERS', P .. 'held:' .. gone)
  for i = 1, math.min(#held, MOST) do
    rcall('SREM', P .. 'held:' .. gone, held[i])
    local job = read(held[i])
    if job and inHands(job) and job.node == gone then giveBack(job) end
  end
  if #held <= MOST then
    rcall('ZREM', P .. 'nodes', gone)
    rcall('HDEL', P .. 'texts', gone)
    rcall('DEL', P .. 'cancels:' .. gone)
    tell({ kind = 'gone', node = gone, id = gone })
  end
end

local files = {}
local function prune(candidates)
  for _, id in ipairs(candidates) do
    local job = read(id)
    local isNeeded = false
    for _, child in ipairs(job and rcall('SMEMBERS', P .. 'children:' .. id) or {}) do
      local state = rcall('HGET', P .. 'job:' .. child, 'state')
      if state and not isFinal(state) then isNeeded = true end
    end
    if job == nil then rcall('ZREM', P .. 'ended', id)
    elseif not isNeeded then
      files[#files + 1] = job.inputFile
      files[#files + 1] = job.resultFile
      remove(job)
    end
  end
end
writeIndexes()
local excess = rcall('ZCARD', P .. 'ended') - maxJobs
if excess > 0 then prune(rcall('ZRANGE', P .. 'ended', 0, math.min(excess, 5 * MOST) - 1)) end
writeIndexes()
if maxAgeMs < now then
  prune(rcall('ZRANGEBYSCORE', P .. 'ended', '-inf', text(now - maxAgeMs), 'LIMIT', 0, MOST))
end

local cancels = {}
for _, id in ipairs(rcall('SMEMBERS', P .. 'cancels:' .. node)) do
  local job = read(id)
  if job and job.cancel and job.node == node then
    cancels[#cancels + 1] = { job.plugin, id, job.cancel }
  end
end
publish()
return { rcall('SCARD', P .. 'held:' .. node), cancels, files }
`;

/** Gives back what a node holds beside what it knows of: the answers that gave it these jobs were lost on the way. */
export const HOLD_ONLY = `
local node = ARGV[3]
local known = {}
for i = 4, #ARGV do known[ARGV[i]] = true end
for _, id in ipairs(rcall('SMEMBERS', P .. 'held:' .. node)) do
  local job = read(id)
  if job and job.node == node and inHands(job) then
    if not known[id] then giveBack(job) end
  else rcall('SREM', P .. 'held:' .. node, id) end
end
publish()
`;

/** A node leaves: what it holds goes back. */
export const LEAVE = `
local node = ARGV[3]
rcall('PERSIST', P .. 'nodes')
for _, id in ipairs(rcall('SMEMBERS', P .. 'held:' .. node)) do
  local job = read(id)
  if job and inHands(job) and job.node == node then giveBack(job) end
end
rcall('DEL', P .. 'held:' .. node, P .. 'cancels:' .. node)
rcall('ZREM', P .. 'nodes', node)
rcall('HDEL', P .. 'texts', node)
tell({ kind = 'gone', node = node, id = node })
publish()
`;

/** The nodes that live, what they have announced, and how long ago their beats were. */
export const NODES = `
local nodes = {}
for _, node in ipairs(rcall('ZRANGEBYSCORE', P .. 'nodes', text(now - ARGV[3]), '+inf')) do
  local last = rcall('ZSCORE', P .. 'nodes', node)
  nodes[#nodes + 1] = { node, rcall('HGET', P .. 'texts', node) or '', text(math.max(0, now - last)) }
end
return nodes
`;
