import type { Decision, Holder } from './decision.ts';
import type { GpuAmounts } from './gpus/gpu-amounts.ts';
import type { Resources } from './need.ts';
import type { EvictionOutcome } from './scheduler-events.ts';

/** What the reasons of decisions mean. */
const REASONS: Readonly<Record<string, string>> = {
  permissive: 'the policy limits nothing',
  fits: 'it fits into what is free',
  'fits-after-eviction': 'it fits when residents without calls have gone',
  'no-room': 'plugins at work take the room',
  'no-room-for-replacement': 'nobody goes for a second worker, or for a restart that nobody waits for',
  'never-fits': 'it needs more than the whole capacity, less what is pinned',
  'fits-no-gpu': 'no GPU that it may use can ever hold it, nor can as many together as it may be spread over',
  'other-gpu': 'its own GPU has no room for its warm worker, and another has for a new one',
  'waited-too-long': 'it has waited for longer than maxWaitMs',
  exempt: 'it is the system monitor, on whose figures the policy decides',
  'queue-full': 'as many plugins wait as may',
  deadline: 'it has waited until its deadline',
  leaving: 'its own worker is still on its way out',
  'nobody-to-evict': 'nobody may be told to go now',
  'not-seen-free': 'memory was given up and is not measured as free',
  'policy-failed': 'the policy has thrown an error',
};

/** The reason of a decision in words; one of a policy of the user's own stays as it is. */
export function reasonText(reason: string): string {
  return REASONS[reason] ?? reason;
}

/** "64 MiB of RAM and 1 slot". Only what is not zero; what is not limited is left out. */
export function amountsText({ vramMb, ramMb, slots, gpus }: Resources): string {
  const parts = [
    [vramMb, `${vramMb} MiB of GPU memory${gpus === undefined ? '' : ` (${gpusText(gpus)})`}`],
    [ramMb, `${ramMb} MiB of RAM`],
    [slots, slots === 1 ? '1 slot' : `${slots} slots`],
  ] as const;
  const limited = parts.filter(([amount]) => Number.isFinite(amount));
  if (limited.length === 0) return 'all that is there';
  const shown = limited.filter(([amount]) => amount !== 0).map(([, text]) => text);
  return shown.length === 0 ? 'nothing' : listText(shown);
}

/** "8000 on GPU-8f3c0a1b, 0 on GPU-77d1e0c2": enough of each UUID to know it by. */
function gpusText(gpus: GpuAmounts): string {
  const parts = Object.entries(gpus).map(
    ([uuid, mb]) => `${mb} on ${/^(?:GPU|MIG)-[0-9a-f]{8}/.exec(uuid)?.[0] ?? uuid}`,
  );
  return parts.length === 0 ? 'on no GPU' : parts.join(', ');
}

/** What was decided, in a line: for logs. */
export function decisionLine({ plugin, outcome, reason, chosen }: Decision): string {
  const goes = chosen.length > 0 ? ` ${listText(chosen.map((victim) => victim.plugin))} told to go.` : '';
  return `${OUTCOMES[outcome]} "${plugin}": ${reasonText(reason)}.${goes}`;
}

/** That a plugin which was chosen to leave has not left, in a line: for logs. */
export function stayedLine({ plugin, requester }: EvictionOutcome): string {
  const missed = requester === undefined ? '' : ` "${requester}" gets its memory elsewhere, or waits.`;
  return `"${plugin}" was not evicted: it has calls.${missed}`;
}

const OUTCOMES: Readonly<Record<Decision['outcome'], string>> = {
  grant: 'Room for',
  refuse: 'No room for',
  wait: 'To wait:',
  evict: 'Room is made for',
};

/** What was decided, and on what: a line for each thing, in the order in which it was looked at. */
export function decisionText(decision: Decision, now: number): string[] {
  const { plugin, policy, asked, free, place, priority, considered, chosen, waitingFor, outcome } = decision;
  const lines = [
    decisionLine(decision),
    `asked    ${amountsText(asked)}, at priority ${priority}, ${ago(now - decision.since)}, until ${clockTime(decision.deadline)}`,
    `free     ${amountsText(free)}`,
    ...(place === undefined ? [] : [`place    ${gpusText(place)}`]),
    `policy   ${policy}, decided ${ago(now - decision.at)}`,
  ];
  const told = new Map(chosen.map((victim) => [`${victim.plugin}#${victim.generation}`, victim.ask]));
  for (const { plugin: name, generation, rank } of considered) {
    const ask = told.get(`${name}#${generation}`);
    const verdict = ask === undefined ? 'spared: what others give up is enough' : ask === 'YIELD' ? 'to yield' : 'goes';
    lines.push(`rank     ${name} (worker ${generation}), ${Number(rank.toFixed(3))}: ${verdict}`);
  }
  if (outcome === 'wait' || outcome === 'refuse') {
    for (const holder of waitingFor) {
      lines.push(`${outcome === 'wait' ? 'waits for' : 'in its way'} ${holderText(holder, now)}`);
    }
  }
  return lines.map((line) => line.replace(`waits for ${plugin} `, 'waits for its own worker, '));
}

function holderText({ plugin, generation, standing, leaving, since, holds }: Holder, now: number): string {
  const going = leaving ? ', told to go' : '';
  return `${plugin} (worker ${generation}), ${standing}${going}, since ${ago(now - since)}: ${amountsText(holds)}`;
}

function listText(parts: readonly string[]): string {
  return parts.length < 2 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

function ago(ms: number): string {
  return `${(Math.max(0, ms) / 1_000).toFixed(1)} s ago`;
}

function clockTime(at: number): string {
  return new Date(at).toTimeString().slice(0, 8);
}
