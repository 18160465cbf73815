// @ts-check
// Does a decision cost more with 10,000 plugins resident and 10,000 waiting than with 100 of each, on one GPU and on four?
// And with 10,000 of four instances each, half of them waiting for another one, than with 10,000 of one?
import { Admission } from '../../dist/scheduler/admission.js';
import { policyNamed } from '../../dist/scheduler/policies/policies.js';
import { residentKey } from '../../dist/scheduler/resident-key.js';
import { compare, ratioRow } from '../lib/measure.mjs';

const [FEW, MANY] = [100, 10_000];
const CYCLES = 2_000;
const EACH_MB = 10;
const INSTANCES = 4;
const GPUS = ['GPU-a', 'GPU-b', 'GPU-c', 'GPU-d'];

/** @param {import('../lib/measure.mjs').Bench} bench */
export default async (bench) => {
  const rows = [];
  for (const gpus of [1, GPUS.length]) {
    const [few, control, many] = [crowd(FEW, gpus), crowd(FEW, gpus), crowd(MANY, gpus)];
    const comparison = await compare(
      { reference: () => cycle(few), control: () => cycle(control), subject: () => cycle(many) },
      { repetitions: bench.repetitions, warmup: 6 },
    );
    const where = gpus === 1 ? '' : ` on ${gpus} GPUs`;
    const question = `ask, evict, grant, idle with ${MANY} resident and ${MANY} waiting${where}, against ${FEW} of each`;
    rows.push(ratioRow(question, 'µs', comparison, { atMost: 2 }));
  }
  const [single, control, several] = [crowd(MANY, 1), crowd(MANY, 1), crowd(MANY, 1, INSTANCES)];
  const comparison = await compare(
    { reference: () => cycle(single), control: () => cycle(control), subject: () => cycle(several) },
    { repetitions: bench.repetitions, warmup: 6 },
  );
  const question = `the same with ${MANY} plugins of ${INSTANCES} instances each, against ${MANY} of one`;
  rows.push(ratioRow(question, 'µs', comparison, { atMost: 2 }));
  return rows;
};

/**
 * A full house, one in ten of it idle, and as many who wait, each for another amount, for more than that and all that can be spared. With several
 * instances, half of the resident plugins wait for a further one too.
 *
 * @param {number} count of plugins @param {number} gpus @param {number} instances of each
 */
function crowd(count, gpus, instances = 1) {
  const policy = policyNamed('queue', { maxWaitMs: 1e12 });
  const vramMb = (count * instances * EACH_MB) / gpus;
  const capacity = gpus === 1 ? { vramMb } : { gpus: Object.fromEntries(GPUS.map((gpu) => [gpu, vramMb])) };
  const admission = new Admission({ policy, capacity, monitor: undefined, maxWaiting: 2 * count + 1 });
  const house = {
    admission,
    now: 0,
    resident: /** @type {Instance[]} */ ([]),
    next: 0,
    grows: instances > 1 ? 'resident-1' : undefined,
  };
  for (let generation = 1; generation <= instances; generation += 1) {
    for (let at = 0; at < count; at += 1) {
      const plugin = `resident-${at}`;
      ask(house, plugin, EACH_MB, generation);
      // Of several instances the last one is idle, so that it can be spared while the others are busy.
      const isIdle = at % 10 === 0 && generation === instances;
      tell(house, isIdle ? 'IDLE' : 'BUSY', plugin, generation);
      if (isIdle) house.resident.push({ plugin, generation });
    }
  }
  if (instances > 1)
    for (let at = 5; at < count; at += at % 10 === 9 ? 6 : 1) ask(house, `resident-${at}`, vramMb * 0.9, instances + 1);
  for (let at = 0; at < count; at += 1) ask(house, `waiting-${at}`, vramMb * (0.8 + (0.19 * at) / count));
  return house;
}

/** @typedef {{ readonly plugin: string, readonly generation: number }} Instance */
/** @typedef {ReturnType<typeof crowd>} House */

/**
 * How many microseconds it takes a new plugin to get the memory of the least recently used one, or a plugin with several
 * instances to get another one for that of the plugin that is to get the next.
 *
 * @param {House} house
 */
async function cycle(house) {
  const start = performance.now();
  for (let index = 0; index < CYCLES; index += 1) {
    const { grows } = house;
    const [plugin, generation] = grows === undefined ? [`new-${house.next}`, 1] : [grows, 10 + house.next];
    house.next += 1;
    ask(house, plugin, EACH_MB, generation);
    const victim = house.resident.shift();
    if (victim === undefined) throw new Error('Nothing is idle.');
    tell(house, 'FREED', victim.plugin, victim.generation);
    if (house.admission.ledger.get(residentKey({ plugin }), generation) === undefined)
      throw new Error(`${plugin} was not granted.`);
    tell(house, 'IDLE', plugin, generation);
    house.resident.push({ plugin, generation });
    if (grows !== undefined) house.grows = victim.plugin;
    // A further instance evicts only what has been idle for a second.
    house.now += 1_000;
  }
  return ((performance.now() - start) / CYCLES) * 1_000;
}

/** @param {House} house @param {string} plugin @param {number} vramMb @param {number} generation */
function ask(house, plugin, vramMb, generation = 1) {
  const need = { vramMb, ramMb: 0, slots: 1 };
  const ref = /** @type {any} */ (undefined);
  const further = generation > 1;
  step(house, { type: 'ACQUIRE', plugin, generation, ref, need, priority: 0, deadline: 1e12, at: house.now, further });
}

/** @param {House} house @param {'IDLE' | 'BUSY' | 'FREED'} type @param {string} plugin @param {number} generation */
function tell(house, type, plugin, generation = 1) {
  step(house, { type, plugin, generation, at: house.now });
}

/** @param {House} house @param {import('../../dist/scheduler/scheduler-events.js').SchedulerEvent} event */
function step(house, event) {
  house.now += 1;
  house.admission.apply(event, house.now);
  house.admission.decide(house.now);
  house.admission.takeEffects();
}
