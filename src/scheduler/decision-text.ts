import { memoryText } from '../text/memory-text.ts';
import type { Decision, Holder } from './decision.ts';
import type { GpuAmounts } from './gpus/gpu-amounts.ts';
import type { Resources } from './need.ts';
import type { EvictionOutcome } from './scheduler-events.ts';

/** The reasons of decisions in words. */
const REASONS: Readonly<Record<string, string>> = {
  permissive: 'the policy "permissive" sets no limits',
  fits: 'it fits into the free capacity',
  'fits-after-eviction': 'it fits once idle plugins are evicted',
  'fits-after-sparing': 'it fits once plugins with several instances finish the calls of one and go on with the others',
  'no-capacity': 'busy plugins hold the capacity it needs',
  'no-capacity-for-replacement': 'nothing is evicted for a replacement worker, or for a restart that no call waits for',
  'never-fits': 'it needs more than the whole capacity less what pinned plugins hold',
  'fits-no-gpu': 'no GPU that it may use is large enough, nor are as many together as its "resources.gpus" allows',
  'other-gpu': 'its own GPU lacks memory for its warm worker, and another GPU has enough for a new worker',
  'waited-too-long': 'it has waited longer than maxWaitMs',
  exempt: 'it is the system monitor, whose figures the policy needs',
  'queue-full': 'the waiting queue is full',
  deadline: 'its deadline passed while it waited',
  leaving: 'its previous worker has not ended yet',
  evicted: 'its warm worker is evicted for another plugin',
  'nobody-to-evict': 'no plugin can be evicted now',
  'not-seen-free': 'released memory is not measured as free yet',
  'policy-failed': 'the policy threw an error or returned an invalid verdict',
};

/** The same for a request for a further instance, where the words differ. */
const FURTHER_REASONS: Readonly<Record<string, string>> = {
  'fits-after-eviction': 'it fits once idle instances that their plugins can spare are evicted',
  'no-capacity': 'busy instances, and the only instances of other plugins, hold the capacity it needs',
  'never-fits': 'it needs more than the whole capacity less what its other instances and pinned plugins hold',
  'nobody-to-evict': 'no plugin can spare an instance now',
};

/** The reason of a decision in words; a custom policy's own reason stays as it is. */
export function reasonText(reason: string, further = false): string {
  return (further ? FURTHER_REASONS[reason] : undefined) ?? REASONS[reason] ?? reason;
}

/** "64 MiB of RAM and 1 slot". Only amounts above zero; what is not limited is left out. */
export function amountsText(resources: Resources): string {
  const limited = limitedAmounts(resources);
  if (limited.length === 0) return 'unlimited';
  const shown = limited.filter(([amount]) => amount !== 0).map(([, text]) => text);
  return shown.length === 0 ? 'nothing' : listText(shown);
}

/** The same of what is free, with amounts of zero: it is what is short. */
export function freeText(free: Resources): string {
  const limited = limitedAmounts(free);
  return limited.length === 0 ? 'unlimited' : listText(limited.map(([, text]) => text));
}

function limitedAmounts({ vramMb, ramMb, slots, gpus }: Resources): (readonly [amount: number, text: string])[] {
  const parts = [
    [vramMb, `${memoryText(vramMb)} of GPU memory${gpus === undefined ? '' : ` (${gpusText(gpus)})`}`],
    [ramMb, `${memoryText(ramMb)} of RAM`],
    [slots, slots === 1 ? '1 slot' : `${slots} slots`],
  ] as const;
  return parts.filter(([amount]) => Number.isFinite(amount));
}

/** "7.8 GiB on GPU-8f3c0a1b, 0 MiB on GPU-77d1e0c2": the start of each UUID identifies the GPU. */
function gpusText(gpus: GpuAmounts): string {
  const parts = Object.entries(gpus).map(
    ([uuid, mb]) => `${memoryText(mb)} on ${/^(?:GPU|MIG)-[0-9a-f]{8}/.exec(uuid)?.[0] ?? uuid}`,
  );
  return parts.length === 0 ? 'on no GPU' : parts.join(', ');
}

/** A decision in one line, for logs. */
export function decisionLine({ plugin, further, outcome, reason, chosen }: Decision): string {
  const why = reasonText(reason, further);
  const subject = further === true ? `A further instance of "${plugin}"` : `"${plugin}"`;
  switch (outcome) {
    case 'grant':
      return `${subject} may run: ${why}.`;
    case 'refuse':
      return `${subject} was refused: ${why}.`;
    case 'wait':
      return `${subject} is waiting: ${why}.`;
    case 'evict':
      return `Making room for ${subject.replace(/^A/, 'a')}: evicting ${listText(chosen.map((victim) => `"${victim.plugin}"`))} (${why}).`;
  }
}

/** In one line, for logs: a plugin was chosen for eviction and has stayed. */
export function stayedLine({ plugin, requester }: EvictionOutcome): string {
  const missed = requester === undefined ? '' : ` "${requester}" gets memory elsewhere, or waits.`;
  return `"${plugin}" was not evicted: it has calls.${missed}`;
}

/** A decision and what it was based on: one line for each item, in the order in which the policy looked at it. */
export function decisionText(decision: Decision, now: number): string[] {
  const { plugin, policy, asked, free, place, priority, considered, chosen, waitingFor, outcome } = decision;
  const lines = [
    decisionLine(decision),
    `asked    ${amountsText(asked)}, at priority ${priority}, ${ago(now - decision.since)}, until ${clockTime(decision.deadline)}`,
    `free     ${freeText(free)}`,
    ...(place === undefined ? [] : [`place    ${gpusText(place)}`]),
    `policy   ${policy}, decided ${ago(now - decision.at)}`,
  ];
  const asks = new Map(chosen.map((victim) => [`${victim.plugin}#${victim.generation}`, victim.ask]));
  for (const { plugin: name, generation, rank } of considered) {
    const ask = asks.get(`${name}#${generation}`);
    const verdict = ask === undefined ? 'kept' : ask === 'YIELD' ? 'evicted after its calls' : 'evicted';
    lines.push(`rank     ${name} (worker ${generation}), ${rankText(rank, now)}: ${verdict}`);
  }
  if (outcome === 'wait' || outcome === 'refuse') {
    for (const holder of waitingFor) {
      lines.push(`${outcome === 'wait' ? 'waits for' : 'held by '} ${holderText(holder, now)}`);
    }
  }
  return lines.map((line) => line.replace(`waits for ${plugin} `, 'waits for its own worker, '));
}

/** With `lru` a rank is the time at which the last call ended; no other order's figures reach that far. */
function rankText(rank: number, now: number): string {
  return rank > EARLIEST_TIME ? `last used ${ago(now - rank)}` : String(Number(rank.toFixed(3)));
}

const EARLIEST_TIME = Date.UTC(2020);

function holderText({ plugin, generation, standing, leaving, since, holds }: Holder, now: number): string {
  const evicted = leaving ? ', being evicted' : '';
  return `${plugin} (worker ${generation}), ${standing}${evicted}, since ${ago(now - since)}: ${amountsText(holds)}`;
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
