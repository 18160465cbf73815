// Scripts for programs that share jobs: who lives, what others left, and what waits.

/**
 * A node is alive. What is due is made ready; nodes that are gone are taken over, one at a time and so many jobs at once;
 * the history is pruned. Answers with how many jobs the node holds, and which of them are to be cancelled.
 */
export const BEAT = `
local node, announced, goneMs, maxJobs, maxAgeMs = ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local MOST = 100

-- Nodes that live must not seem gone because Redis is full.
rcall('PERSIST', P .. 'nodes')
rcall('ZADD', P .. 'nodes', nowText, node)
-- When nobody has said anything for long, Redis was away, and those that live have their time to come back.
local lastBeat = rcall('GET', P .. 'lastBeat')
if lastBeat and now - lastBeat > goneMs / 2 then rcall('SET', P .. 'grace', 1, 'PX', text(goneMs)) end
rcall('SET', P .. 'lastBeat', nowText)
local longest = rcall('EXISTS', P .. 'grace') == 1 and math.huge or goneMs
if announced ~= '' then rcall('HSET', P .. 'texts', node, announced) end

for _, id in ipairs(rcall('ZRANGEBYSCORE', P .. 'due', '-inf', nowText, 'LIMIT', 0, MOST)) do
  rcall('ZREM', P .. 'due', id)
  local job = read(id)
  if job and job.state == 'delayed' and isInQueue(job) then
    move(job, 'waiting', { dueAt = false, readyAt = now })
    promoteInQueue(job)
    tell({ kind = 'waiting', plugin = job.plugin })
    tell({ kind = 'changed', id = id })
  elseif job and job.state == 'delayed' then endRemoved(job) end
end
for _, id in ipairs(rcall('ZRANGEBYSCORE', P .. 'expiry', '-inf', nowText, 'LIMIT', 0, MOST)) do
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
