import type { InHand, Sharing } from '../jobs/runner/sharing.ts';
import type { PluginStanding } from '../runtime/plugin-standing.ts';
import { Claims } from './claims.ts';
import type { Candidate } from './policy/candidate.ts';
import { type ColdVerdict, chosen, coldVerdict, localityWaitOf } from './policy/cold-claim.ts';
import { keptMs, waysFor } from './policy/make-way.ts';
import { warmShare } from './policy/warm-share.ts';
import type { SharingPorts, SharingTerms, Sighted } from './sharing-ports.ts';

/** How long the load of a plugin is taken to last that has not been loaded here yet. */
const UNKNOWN_LOAD_MS = 5_000;

/**
 * Over how long the looks of nodes that were told of the same job are spread: with so much for each node that has the
 * plugin, the first has mostly taken the job before the others ask for it.
 */
const JITTER_MS = 10;
const JITTER_EACH_MS = 2;
const MOST_JITTER_MS = 1_000;

/** How long a plugin is left alone whose claim another node was quicker with, or that could not be asked about. */
const LOST_MS = 50;
const FAILED_MS = 1_000;

/** How often what only local changes can change is looked at all the same. */
const SLOW_MS = 10_000;

/** How often it is asked whether memory is free by now for jobs that wait, at most. */
const RECHECK_MS = 20;

/** How often a node that makes way looks whether it still has to. */
const WAY_MS = 1_000;

/** How long a claim may take to lead to a job. */
const TAKE_MS = 5_000;

/** A plugin that has jobs, and no worker here. */
interface ColdLine {
  /** When to look at it, by the monotonic clock. */
  lookAt: number;
  /** When it was asked last whether its memory is free. */
  checkedAt: number;
  isHeldByMemory: boolean;
  candidate: Candidate | undefined;
  seen: string;
  rank: number | undefined;
}

/**
 * Which jobs of the fleet are for this node. Where a plugin has a worker, its jobs are taken at once; where it has none,
 * this looks what waits and what the other nodes have, claims it with them, and only then lets one job be taken, for which
 * the plugin is loaded. What is decided is in `policy/`; here is when.
 */
export class FleetSharing implements Sharing {
  readonly #terms: SharingTerms;
  readonly #ports: SharingPorts;
  readonly #cold = new Map<string, ColdLine>();
  /** On how many nodes each plugin was seen last. */
  readonly #copies = new Map<string, number>();
  /** The plugin of which one job may be taken although it has no worker, and what tells that it was asked for. */
  #permit: { readonly plugin: string; readonly end: () => void } | undefined;
  readonly #claims: Claims;
  /** The plugin that others make way for. */
  #way: string | undefined;
  #isLooking = false;
  #isClosed = false;
  #timer: unknown;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(terms: SharingTerms, ports: SharingPorts) {
    this.#terms = terms;
    this.#ports = ports;
    this.#claims = new Claims(ports);
  }

  /** The plugins for which a job is or was claimed here and that have no worker yet. */
  get claimed(): readonly string[] {
    return [...this.#claims.plugins, ...(this.#permit === undefined ? [] : [this.#permit.plugin])];
  }

  /** The plugin for which the others take no jobs; undefined: none. */
  get makesWayFor(): string | undefined {
    return this.#way;
  }

  share(plugin: string, { inHand, jobMs }: InHand): number {
    if (this.#isClosed) return 0;
    const standing = this.#ports.standingOf(plugin);
    switch (standing.state) {
      case 'warm':
        this.#forget(plugin);
        if (this.#way !== undefined) return 0;
        return warmShare({ places: standing.places, calls: standing.calls, inHand, jobMs });
      case 'loading':
      case 'asking':
      case 'unable':
        return 0;
      case 'cold':
        if (inHand > 0) return 0;
        if (this.#permit?.plugin === plugin) return 1;
        this.#await(plugin, standing);
        return 0;
    }
  }

  took(plugin: string, count: number): void {
    if (this.#permit?.plugin !== plugin) return;
    this.#permit.end();
    this.#permit = undefined;
    if (count > 0) {
      this.#forget(plugin);
      this.#claims.add(plugin);
    } else {
      const line = this.#cold.get(plugin);
      if (line !== undefined) line.candidate = undefined;
      this.#ports.unclaim(plugin);
    }
  }

  /** Jobs of a plugin may have come. */
  hinted(plugin: string): void {
    const line = this.#cold.get(plugin);
    if (line === undefined || line.candidate !== undefined) return;
    this.#lookAt(line, this.#ports.clock.monotonic() + this.#jitter(plugin));
  }

  /** Takes nothing more. */
  close(): void {
    this.#isClosed = true;
    this.#ports.clock.clearTimeout(this.#timer);
    this.#claims.close();
    this.#permit?.end();
  }

  #jitter(plugin: string): number {
    const spreadMs = JITTER_EACH_MS * (this.#copies.get(plugin) ?? 0);
    return this.#ports.random() * Math.min(Math.max(JITTER_MS, spreadMs), MOST_JITTER_MS);
  }

  #forget(plugin: string): void {
    this.#cold.delete(plugin);
    if (this.#way === plugin) this.#makeWay(undefined);
  }

  #makeWay(plugin: string | undefined): void {
    if (this.#way === plugin) return;
    const before = this.#way;
    this.#way = plugin;
    // Not within what was asked by the runner.
    if (before !== undefined && plugin === undefined) this.#ports.clock.setTimeout(this.#ports.look, 0);
  }

  /** The jobs of a plugin wait for its memory, or for what other nodes do. */
  #await(plugin: string, standing: PluginStanding): void {
    const now = this.#ports.clock.monotonic();
    const line = this.#cold.get(plugin);
    if (line === undefined) {
      const added: ColdLine = {
        lookAt: Number.POSITIVE_INFINITY,
        checkedAt: now,
        isHeldByMemory: false,
        candidate: undefined,
        seen: '',
        rank: undefined,
      };
      this.#cold.set(plugin, added);
      this.#lookAt(added, now + this.#jitter(plugin));
    } else if (line.isHeldByMemory && now - line.checkedAt >= RECHECK_MS) {
      line.checkedAt = now;
      const prospect = standing.prospect();
      const isFree = prospect.outcome === 'grant' || prospect.outcome === 'evict';
      if (isFree && !(this.#areAtWork(prospect) && this.#way !== plugin)) this.#lookAt(line, now);
    }
  }

  #areAtWork(prospect: Candidate['prospect']): boolean {
    if (prospect.outcome !== 'evict') return false;
    const atWork = this.#ports.atWork();
    return prospect.victims.some((victim) => atWork.has(victim));
  }

  #lookAt(line: ColdLine, at: number): void {
    line.lookAt = Math.min(line.lookAt, at);
    this.#arm();
  }

  #arm(): void {
    if (this.#isLooking || this.#isClosed) return;
    let at = Number.POSITIVE_INFINITY;
    for (const { lookAt } of this.#cold.values()) at = Math.min(at, lookAt);
    if (at === this.#timerAt) return;
    const { clock } = this.#ports;
    clock.clearTimeout(this.#timer);
    this.#timerAt = at;
    if (at === Number.POSITIVE_INFINITY) return;
    const due = (): void => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      void this.#look();
    };
    this.#timer = clock.setTimeout(due, Math.max(0, at - clock.monotonic()));
  }

  /** Looks at what is due, and claims the first of what this node may have. */
  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const due = this.#due();
    try {
      await this.#see(due);
      const takes = await this.#judge(due);
      const first = chosen(takes);
      for (const { line } of takes) line.lookAt = this.#ports.clock.monotonic();
      if (first !== undefined && !this.#isClosed) await this.#claim(first.plugin, first.line);
    } catch (error) {
      const again = this.#ports.clock.monotonic() + FAILED_MS;
      for (const { line } of due) line.lookAt = again;
      this.#ports.onError(error);
    } finally {
      this.#isLooking = false;
      this.#arm();
    }
  }

  #due(): { plugin: string; line: ColdLine }[] {
    const now = this.#ports.clock.monotonic();
    const due: { plugin: string; line: ColdLine }[] = [];
    for (const [plugin, line] of this.#cold) {
      if (line.lookAt > now + JITTER_MS) continue;
      line.lookAt = Number.POSITIVE_INFINITY;
      line.rank = undefined;
      if (this.#ports.standingOf(plugin).state === 'cold') due.push({ plugin, line });
      else this.#cold.delete(plugin);
    }
    return due;
  }

  /** Finds out what waits, and what the other nodes have. */
  async #see(due: readonly { plugin: string; line: ColdLine }[]): Promise<void> {
    if (due.length === 0) return;
    const heads = await this.#ports.heads(due.map(({ plugin }) => plugin));
    const sighted = heads.size === 0 ? new Map<string, Sighted>() : await this.#ports.elsewhere([...heads.keys()]);
    for (const { plugin, line } of due) {
      const [head, elsewhere] = [heads.get(plugin), sighted.get(plugin)];
      line.isHeldByMemory = false;
      line.candidate = undefined;
      if (head === undefined || elsewhere === undefined) continue;
      const { seen, copies, ...others } = elsewhere;
      line.seen = seen;
      this.#copies.set(plugin, copies);
      const prospect = this.#ports.standingOf(plugin).prospect();
      line.candidate = {
        plugin,
        head,
        elsewhere: others,
        prospect,
        areVictimsAtWork: this.#areAtWork(prospect),
        localityWaitMs: localityWaitOf(this.#terms.localityWaitMs, this.#ports.loadMsOf(plugin), {
          unknownMs: UNKNOWN_LOAD_MS,
          mostMs: this.#terms.ageBoundMs,
        }),
      };
      if (keptMs(line.candidate) >= this.#terms.ageBoundMs) line.rank ??= await this.#ports.rankOf(plugin);
    }
  }

  /** Those of which a job may be claimed; says of the others when to look again. */
  async #judge(
    due: readonly { plugin: string; line: ColdLine }[],
  ): Promise<(Candidate & { readonly line: ColdLine })[]> {
    const now = this.#ports.clock.monotonic();
    const candidates = [...this.#cold.values()].flatMap((line) => line.candidate ?? []);
    const way = waysFor(candidates, {
      ageBoundMs: this.#terms.ageBoundMs,
      rankOf: (plugin) => this.#cold.get(plugin)?.rank ?? Number.POSITIVE_INFINITY,
    });
    this.#makeWay(way?.plugin);
    const takes: (Candidate & { readonly line: ColdLine })[] = [];
    for (const { plugin, line } of due) {
      const { candidate } = line;
      if (candidate === undefined || this.#cold.get(plugin) !== line) continue;
      const verdict = coldVerdict(candidate, this.#way === plugin);
      if (verdict.take) takes.push({ ...candidate, line });
      else this.#lookAt(line, now + this.#againMs(plugin, verdict));
      line.isHeldByMemory = !verdict.take && verdict.reason === 'memory';
    }
    return takes;
  }

  #againMs(plugin: string, verdict: Extract<ColdVerdict, { take: false }>): number {
    if (plugin === this.#way) return WAY_MS;
    const slowMs = SLOW_MS * (0.5 + this.#ports.random());
    return verdict.againMs === undefined ? slowMs : Math.min(verdict.againMs + this.#jitter(plugin), slowMs);
  }

  /** Claims a job of the plugin with the other nodes, and lets it be taken. */
  async #claim(plugin: string, line: ColdLine): Promise<void> {
    const { clock } = this.#ports;
    line.lookAt = Number.POSITIVE_INFINITY;
    if (!(await this.#ports.claim(plugin, line.seen))) {
      line.lookAt = clock.monotonic() + LOST_MS + this.#jitter(plugin);
      return;
    }
    let timer: unknown;
    await new Promise<void>((resolve) => {
      this.#permit = { plugin, end: resolve };
      timer = clock.setTimeout(() => this.took(plugin, 0), TAKE_MS);
      this.#ports.wake(plugin);
    });
    clock.clearTimeout(timer);
  }
}
