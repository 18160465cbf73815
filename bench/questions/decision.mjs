// @ts-check
// Does a decision cost more with 10,000 plugins resident and 10,000 waiting than with 100 of each, on one GPU and on four?
import { Admission } from '../../dist/scheduler/admission.js';
import { policyNamed } from '../../dist/scheduler/policies/policies.js';
import { residentKey } from '../../dist/scheduler/resident-key.js';
import { compare, ratioRow } from '../lib/measure.mjs';

const [FEW, MANY] = [100, 10_000];
const CYCLES = 2_000;
const EACH_MB = 10;
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
  return rows;
};

/**
 * A full house, one in ten of it idle, and as many who wait, each for another amount, for more than that.
 *
 * @param {number} count @param {number} gpus
 */
function crowd(count, gpus) {
  const policy = policyNamed('queue', { maxWaitMs: 1e12 });
  const vramMb = (count * EACH_MB) / gpus;
  const capacity = gpus === 1 ? { vramMb } : { gpus: Object.fromEntries(GPUS.map((gpu) => [gpu, vramMb])) };
  const admission = new Admission({ policy, capacity, monitor: undefined, maxWaiting: count + 1 });
  const house = { admission, now: 0, resident: /** @type {string[]} */ ([]), next: 0 };
  for (let at = 0; at < count; at += 1) {
    ask(house, `resident-${at}`, EACH_MB);
    tell(house, at % 10 === 0 ? 'IDLE' : 'BUSY', `resident-${at}`);
    if (at % 10 === 0) house.resident.push(`resident-${at}`);
  }
  for (let at = 0; at < count; at += 1) ask(house, `waiting-${at}`, vramMb * (0.5 + (0.4 * at) / count));
  return house;
}

/** @typedef {ReturnType<typeof crowd>} House */

/** How many microseconds it takes somebody new to get the room of the least recently used. @param {House} house */
async function cycle(house) {
  const start = performance.now();
  for (let index = 0; index < CYCLES; index += 1) {
    const plugin = `new-${house.next}`;
    house.next += 1;
    ask(house, plugin, EACH_MB);
    const victim = house.resident.shift() ?? '';
    tell(house, 'FREED', victim);
    if (house.admission.ledger.get(residentKey({ plugin }), 1) === undefined)
      throw new Error(`${plugin} was not granted.`);
    tell(house, 'IDLE', plugin);
    house.resident.push(plugin);
  }
  return ((performance.now() - start) / CYCLES) * 1_000;
}

/** @param {House} house @param {string} plugin @param {number} vramMb */
function ask(house, plugin, vramMb) {
  const need = { vramMb, ramMb: 0, slots: 1 };
  const ref = /** @type {any} */ (undefined);
  step(house, { type: 'ACQUIRE', plugin, generation: 1, ref, need, priority: 0, deadline: 1e12, at: house.now });
}

/** @param {House} house @param {'IDLE' | 'BUSY' | 'FREED'} type @param {string} plugin */
function tell(house, type, plugin) {
  step(house, { type, plugin, generation: 1, at: house.now });
}

/** @param {House} house @param {import('../../dist/scheduler/scheduler-events.js').SchedulerEvent} event */
function step(house, event) {
  house.now += 1;
  house.admission.apply(event, house.now);
  house.admission.decide(house.now);
  house.admission.takeEffects();
}
