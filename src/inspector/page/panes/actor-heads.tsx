import type { Json, JsonObject } from '../../wire.ts';
import { memoryOfText, memoryText } from '../store/format.ts';
import { numberIn } from '../store/model.ts';
import { usePage } from '../store/page.ts';
import { ALL, useRates } from './use-rates.ts';

/** The heads of the overview's columns, what all plugins together have of each, and the memory of the GPUs. */
export function ActorHeads() {
  const page = usePage();
  const { actors, at } = page.moment.value;
  const rates = useRates(ALL, at);
  const scheduler = actors.get('scheduler')?.context ?? {};
  const capacityMb = numberIn(objectOf(scheduler['capacity']), 'ramMb');
  let [memoryMb, crashes] = [0, 0];
  for (const actor of actors.values()) {
    if (actor.machine !== 'plugin') continue;
    memoryMb += numberIn(actor.context, 'memoryMb') ?? 0;
    crashes += actor.crashes;
  }
  const waiting = numberIn(scheduler, 'waiting') ?? 0;
  const used = memoryMb === 0 ? rates?.memoryMb : memoryMb;
  const columns = [
    ['memory', 'Memory', used !== undefined && memoryOfText(used, capacityMb), (used ?? 0) > (capacityMb ?? Infinity)],
    ['cpu', 'CPU', rates?.cpuText],
    ['calls', 'Calls', rates?.callsText],
    ['errors', 'Errors', rates?.errorsText, true],
    ['crash', 'Last crash', crashes > 0 && `✕${crashes} in all`, true],
  ] as const;
  return (
    <>
      <div class="actor-heads" role="group" aria-label="All plugins together">
        <div>
          <b>Plugin</b>
          <div class="muted">{waiting > 0 && `${waiting} waiting for memory`}</div>
        </div>
        {columns.map(([name, title, total, isAlarming]) => (
          <div key={name} class={`actor-cell actor-cell-${name}`} data-alarming={isAlarming}>
            <b>{title}</b>
            <span>{total}</span>
          </div>
        ))}
      </div>
      <Gpus />
    </>
  );
}

/** The memory of each GPU as it was last measured. */
function Gpus() {
  const { rates } = usePage();
  void rates?.version.value;
  const measured = (rates?.gpus ?? []).filter(({ usedMb }) => usedMb !== null);
  if (measured.length === 0) return null;
  return (
    <ul class="gpus" aria-label="Memory of the GPUs">
      {measured.map(({ index, name, totalMb, usedMb }) => (
        <li key={index} title={name}>
          GPU {index}{' '}
          {totalMb !== null && <meter value={usedMb ?? 0} max={totalMb} aria-label={`Memory of GPU ${index}`} />}{' '}
          {totalMb === null ? memoryText(usedMb ?? 0) : memoryOfText(usedMb ?? 0, totalMb)}
        </li>
      ))}
    </ul>
  );
}

const objectOf = (value: Json | undefined): JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
