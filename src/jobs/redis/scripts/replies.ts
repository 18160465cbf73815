/** How long what a call says waits for its caller, in milliseconds. */
export const KEPT_MS = 60_000;

/**
 * Lua that puts what a call says into the list of its caller: `reply:JOB`, which outlasts neither a minute nor more than the
 * given number of entries. Answers `sent`, `full`, or `gone` where the caller's program does not live.
 */
export const REPLY = `
local P, node, job, most, entry = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local KEPT_MS = ${KEPT_MS}
if not redis.call('ZSCORE', P .. 'nodes', node) then return 'gone' end
local key = P .. 'reply:' .. job
if redis.call('LLEN', key) >= most then return 'full' end
redis.call('RPUSH', key, entry)
redis.call('PEXPIRE', key, KEPT_MS)
redis.call('PUBLISH', P .. 'said:' .. node, job)
return 'sent'
`;
