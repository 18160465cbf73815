// @ts-check
import { createActor } from 'xstate';
import { GreenroomError } from '../../../dist/errors.js';
import { FleetSharing } from '../../../dist/fleet/fleet-sharing.js';
import { JobRunner } from '../../../dist/jobs/runner/job-runner.js';
import { schedulerMachine } from '../../../dist/machines/scheduler.js';
import { policyNamed } from '../../../dist/scheduler/policies/policies.js';
import { SchedulerView } from '../../../dist/scheduler/scheduler-view.js';
import { SimulatedPlugin } from '../simulated-plugin.mjs';

/**
 * @import { JobStore } from '../../../dist/jobs/job-store.js'
 * @import { PluginStanding } from '../../../dist/runtime/plugin-standing.js'
 * @import { Clock } from '../../../dist/time/clock.js'
 * @import { SimulatedStore, StoredJob } from './simulated-store.mjs'
 * @import { TraceCall, TracePlugin } from '../trace.mjs'
 */

/**
 * What is told of a node: that it loads a plugin, and that a job began.
 *
 * @typedef {{ loaded(loadMs: number): void, evicted(): void, began(jobId: string): void }} NodeWitness
 */

/**
 * A call of a job at a simulated plugin.
 *
 * @typedef {TraceCall & { job: string, onStart: () => void, resolve: (value: unknown) => void,
 *   reject: (error: unknown) => void }} JobCall
 */

/**
 * A node of a fleet: its scheduler, its runner of jobs and what decides which of them it takes are those that run in
 * production; its plugins and the store are simulated.
 */
export class SimulatedNode {
  /** @type {Map<string, SimulatedPlugin>} Made with the first job. */
  #plugins = new Map();
  /** @type {Map<string, TracePlugin>} */
  #figures;
  #isTold = true;

  /**
   * @param {{ name: string, clock: Clock, random: () => number, store: SimulatedStore, plugins: readonly TracePlugin[],
   *   capacityMb: number, maxWaitMs: number, msOf: (job: string) => number, witness: NodeWitness }} parts
   */
  constructor({ name, clock, random, store, plugins, capacityMb, maxWaitMs, msOf, witness }) {
    this.name = name;
    this.clock = clock;
    this.store = store;
    this.msOf = msOf;
    this.witness = witness;
    this.#figures = new Map(plugins.map((plugin) => [plugin.name, plugin]));
    const policy = policyNamed('queue', { order: 'lru', maxWaitMs });
    this.scheduler = createActor(schedulerMachine, {
      clock,
      input: { clock, policy, capacity: { vramMb: capacityMb } },
    });
    this.scheduler.start();
    this.view = new SchedulerView(this.scheduler.getSnapshot().context.admission);
    const onError = (/** @type {unknown} */ error) => {
      throw error;
    };
    this.sharing = new FleetSharing(
      { localityWaitMs: undefined, ageBoundMs: maxWaitMs },
      {
        clock,
        random,
        standingOf: (plugin) => this.#standingOf(plugin),
        atWork: () => this.runner.atWork,
        loadMsOf: (plugin) => this.#figures.get(plugin)?.loadMs,
        heads: (wanted) => store.heads(wanted),
        elsewhere: (wanted) => store.elsewhere(name, wanted),
        claim: (plugin, seen) => store.claim(name, plugin, seen),
        unclaim: (plugin) => store.leave(name, plugin),
        rankOf: async (plugin) => rank(name, plugin),
        wake: (plugin) => this.runner.wake([plugin]),
        look: () => this.runner.look(),
        giveBack: (plugin) => this.runner.giveBack(plugin),
        onError,
      },
    );
    this.runner = new JobRunner({
      store: /** @type {JobStore} */ (/** @type {unknown} */ (store)),
      clock,
      siteOf: (plugin) => this.#siteOf(plugin),
      onChange: () => {},
      onError,
      sharing: this.sharing,
    });
    for (const { name: plugin } of plugins)
      store.listen(plugin, () => {
        this.sharing.hinted(plugin);
        this.runner.wake([plugin]);
      });
  }

  stop() {
    this.sharing.close();
    this.scheduler.stop();
  }

  /** @param {string} name @returns {SimulatedPlugin} */
  #pluginOf(name) {
    const known = this.#plugins.get(name);
    if (known !== undefined) return known;
    const figures = this.#figures.get(name);
    if (figures === undefined) throw new Error(`${this.name} has no ${name}.`);
    const { clock, witness } = this;
    /** @type {import('../simulated-plugin.mjs').Witness} */
    const of = {
      granted: () => {
        witness.loaded(figures.loadMs);
        this.store.warm(this.name, name);
        this.#changed();
      },
      began: () => this.#changed(),
      served: (call) => {
        const { job, onStart } = /** @type {JobCall} */ (call);
        witness.began(job);
        onStart();
      },
      answered: (call) => /** @type {JobCall} */ (call).resolve(null),
      ended: () => this.#changed(),
      refused: () => {
        throw new Error('A job was refused.');
      },
      gone: () => {
        witness.evicted();
        this.store.leave(this.name, name);
        this.#changed();
      },
    };
    const plugin = new SimulatedPlugin(0, figures, clock, (event) => this.scheduler.send(event), of);
    this.#plugins.set(name, plugin);
    return plugin;
  }

  /** As a supervisor tells of changes: once a turn. */
  #changed() {
    if (!this.#isTold) return;
    this.#isTold = false;
    this.clock.setTimeout(() => {
      this.#isTold = true;
      this.runner.look();
    }, 0);
  }

  /** @param {string} name @returns {PluginStanding} */
  #standingOf(name) {
    const state = this.#plugins.get(name)?.state ?? 'absent';
    const isWarm = state === 'idle' || state === 'busy';
    return {
      state: isWarm ? 'warm' : state === 'loading' || state === 'asking' ? state : 'cold',
      places: isWarm ? 1 : 0,
      calls: this.#plugins.get(name)?.calls ?? 0,
      prospect: () => {
        const { figures, ref, generation } = this.#pluginOf(name);
        const now = this.clock.monotonic();
        const terms = { priority: 0, at: now, deadline: Infinity, extra: false, further: false };
        const need = { vramMb: figures.mb, ramMb: 0, slots: 1 };
        return this.view.prospectOf({ plugin: name, generation: generation + 1, need, ...terms }, ref, now);
      },
    };
  }

  /** @param {string} name @returns {import('../../../dist/jobs/runner/job-site.js').JobSite} */
  #siteOf(name) {
    return {
      obstacle: undefined,
      places: this.#standingOf(name).places,
      check: () => {},
      load: async () => {},
      execute: (_input, { signal }, { client, onStart }) =>
        new Promise((resolve, reject) => {
          const job = client.slice('job '.length);
          /** @type {JobCall} */
          const call = {
            ...{ at: this.clock.monotonic(), plugin: 0, ms: this.msOf(job), job },
            ...{ onStart: () => onStart(1), resolve, reject },
          };
          const plugin = this.#pluginOf(name);
          signal?.addEventListener('abort', () => {
            if (plugin.withdraw(call)) reject(new GreenroomError('E_CANCELLED', 'given back'));
          });
          plugin.call(call);
        }),
      stream: () => {
        throw new Error('No simulated job streams.');
      },
    };
  }
}

/** The place of a node among those of a plugin, as good as any other for a simulation of few. @param {string} node @param {string} plugin */
function rank(node, plugin) {
  let hash = 0;
  for (const letter of `${plugin}/${node}`) hash = (hash * 31 + letter.charCodeAt(0)) >>> 0;
  return hash % 4;
}
