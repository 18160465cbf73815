import type { RateName, RateSeries } from '../wire.ts';

/** How many samples are remembered: ten minutes while somebody looks, most of an hour while nobody does. */
const SAMPLES = 300;
const NAMES: readonly RateName[] = ['memoryMb', 'cpuPercent', 'calls', 'errors'];
/** The name under which the sums of all plugins are kept; no plugin has it. */
const TOTAL = '';

/** The figures of one time, in the order of the names. */
type Figures = [memoryMb: number, cpuPercent: number, calls: number, errors: number];

const nothing = (): Figures => [Number.NaN, Number.NaN, 0, 0];

/**
 * What plugins used, and how many of their calls ended, over time: four series a plugin, of figures of four bytes, for
 * plugins of which there ever was something. All share the times.
 */
export class RateHistory {
  readonly #at = new Float64Array(SAMPLES);
  /** Of a plugin, its series one after another. */
  readonly #series = new Map<string, Float32Array>([[TOTAL, empty()]]);
  /** What was noted since the last sample. */
  #noted = new Map<string, Figures>();
  /** How many samples were ever taken. */
  #taken = 0;

  /** A worker uses so much. Of several workers of a plugin the sums count. */
  noteUse(plugin: string, memoryMb: number, cpuPercent: number): void {
    add(this.#figuresOf(plugin), [memoryMb, cpuPercent, 0, 0]);
  }

  /** A call has ended. */
  noteCall(plugin: string, hasFailed: boolean): void {
    const figures = this.#figuresOf(plugin);
    figures[2] += 1;
    if (hasFailed) figures[3] += 1;
  }

  /** What was noted since the last sample is the sample of this time, in milliseconds since the epoch. */
  sample(at: number): void {
    const place = this.#taken % SAMPLES;
    this.#at[place] = at;
    this.#taken += 1;
    const noted = this.#noted;
    this.#noted = new Map();
    const total = nothing();
    for (const figures of noted.values()) add(total, figures);
    noted.set(TOTAL, total);
    for (const [name, series] of this.#series) {
      const figures = noted.get(name) ?? nothing();
      for (let index = 0; index < NAMES.length; index += 1)
        series[index * SAMPLES + place] = figures[index] ?? Number.NaN;
    }
  }

  /** Forgets a plugin that is gone. */
  forget(plugin: string): void {
    this.#series.delete(plugin);
    this.#noted.delete(plugin);
  }

  /** The times of the samples after a time, the earliest first. */
  timesSince(since: number): number[] {
    return this.#placesSince(since).map((place) => this.#at[place] ?? 0);
  }

  /** The figures of a plugin after a time, the earliest first; undefined of one of which there never was anything. */
  seriesSince(plugin: string, since: number): RateSeries | undefined {
    const series = this.#series.get(plugin);
    if (series === undefined) return undefined;
    const places = this.#placesSince(since);
    const of = (index: number): (number | null)[] =>
      places.map((place) => {
        const figure = series[index * SAMPLES + place] ?? Number.NaN;
        return Number.isNaN(figure) ? null : Math.round(figure * 10) / 10;
      });
    return { memoryMb: of(0), cpuPercent: of(1), calls: of(2), errors: of(3) };
  }

  /** The sums of all plugins after a time. */
  totalSince(since: number): RateSeries {
    return this.seriesSince(TOTAL, since) as RateSeries;
  }

  #figuresOf(name: string): Figures {
    const known = this.#noted.get(name);
    if (known !== undefined) return known;
    const figures = nothing();
    this.#noted.set(name, figures);
    // Here, and not with the sample: that is taken in one turn, and a thousand series take tens of milliseconds.
    if (!this.#series.has(name)) this.#series.set(name, empty());
    return figures;
  }

  #placesSince(since: number): number[] {
    const places: number[] = [];
    for (let sample = this.#taken - 1; sample >= Math.max(0, this.#taken - SAMPLES); sample -= 1) {
      const place = sample % SAMPLES;
      if ((this.#at[place] ?? 0) <= since) break;
      places.push(place);
    }
    return places.toReversed();
  }
}

/** What is not measured adds nothing to what is. */
function add(figures: Figures, others: Readonly<Figures>): void {
  for (const [index, other] of others.entries()) {
    const known = figures[index] ?? Number.NaN;
    if (!Number.isNaN(other)) figures[index] = Number.isNaN(known) ? other : known + other;
  }
}

const empty = (): Float32Array => new Float32Array(NAMES.length * SAMPLES).fill(Number.NaN);
