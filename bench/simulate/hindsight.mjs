// @ts-check
import { Heap } from '../../dist/scheduler/heap.js';

/** @import { TracePlugin } from './trace.mjs' */

/**
 * A time between two services of one plugin in which others began: from the service with the number `from` (counted over
 * all) up to the one that ends it. To keep the plugin through it takes its memory and saves a load.
 *
 * @typedef {{ from: number, to: number, mb: number, loadMs: number }} Gap
 */

/**
 * What a MiB saves is rounded up to such a part of a millisecond: sums are exact then, so that the search ends, and the
 * bound is a bound.
 */
const PARTS_OF_WORTH = 2 ** 24;

/**
 * A lower bound for the time that is spent on loading: with every service at the time at which it was in fact, nobody who
 * had known them all beforehand, and had chosen freely whom to evict and when, could have loaded for less.
 *
 * A plugin must be loaded for its first service, and again after each gap through which it was not kept. Whoever is kept
 * must have room beside all who are being served, at each beginning of a service. Three things are let go, each of which
 * only lowers the bound: that loading and stopping take room and time, that a plugin is kept as a whole or not at all, and
 * that somebody may be resident without being called. What remains, the gaps to keep in part that save most, is a flow of
 * least cost, and solved exactly (the bound of Berger, Beckmann, Harchol-Balter: Practical Bounds on Optimal Caching with
 * Variable Object Sizes, SIGMETRICS 2018). Where all plugins have one size it is the very optimum, that of Belady if they
 * load equally long too. In whole milliseconds, as all times of loading are.
 *
 * @param {readonly Pick<TracePlugin, 'mb' | 'loadMs'>[]} plugins
 * @param {readonly number[]} services in their order, who began to be served (its index) and who ended (-1 - index)
 * @param {number} capacityMb
 */
export function leastLoadMs(plugins, services, capacityMb) {
  /** @type {Gap[]} */
  const gaps = [];
  /** @type {number[]} What has room beside those who are served, from each beginning of a service on. */
  const room = [];
  /** @type {(number | undefined)[]} */
  const lastEnd = plugins.map(() => undefined);
  // What is left of the memory beside whole plugins is of no use to any.
  const unit = plugins.reduce((divisor, { mb }) => commonDivisor(divisor, mb), 0) || 1;
  const usableMb = capacityMb - (capacityMb % unit);
  let loadMs = 0;
  let servedMb = 0;
  for (const entry of services) {
    const index = entry < 0 ? -1 - entry : entry;
    const { mb, loadMs: cost } = plugins[index] ?? { mb: 0, loadMs: 0 };
    if (entry < 0) {
      servedMb -= mb;
      lastEnd[index] = room.length;
      continue;
    }
    const from = lastEnd[index];
    if (from === undefined) loadMs += cost;
    else if (from < room.length) gaps.push({ from, to: room.length, mb, loadMs: cost });
    servedMb += mb;
    room.push(usableMb - servedMb);
  }
  if (capacityMb === Infinity) return loadMs;
  const all = gaps.reduce((sum, gap) => sum + gap.loadMs, 0);
  const possible = gaps.filter(({ from, to, mb }) => room.slice(from, to).every((free) => free >= mb));
  return loadMs + Math.ceil(all - mostSaved(possible, room));
}

/** @param {number} a @param {number} b @returns {number} */
function commonDivisor(a, b) {
  return b === 0 ? a : commonDivisor(b, a % b);
}

/** An edge of the network and, with it, its reverse. @typedef {{ to: number, left: number, cost: number, reverse: Edge }} Edge */

/**
 * The most that can be saved by keeping plugins, in part, through these gaps. The memory flows along the services, from
 * each to the next: through a gap whose plugin is kept, or idle. At first all of it is idle. Each gap that is added then
 * draws the memory that is worth most in it, along the cheapest way back, until no more is gained.
 *
 * @param {Gap[]} gaps @param {number[]} room
 */
function mostSaved(gaps, room) {
  /** @type {Edge[][]} */
  const edges = Array.from({ length: room.length + 1 }, () => []);
  /** What each node's distance counts from, so that no edge with capacity left has a negative cost. */
  const potentials = new Float64Array(edges.length);
  for (const [place, free] of room.entries()) addEdge(edges, place, place + 1, Infinity, free, 0);
  let saved = 0;
  for (const { from, to, mb, loadMs } of gaps) {
    if (mb === 0) {
      saved += loadMs;
      continue;
    }
    const worth = Math.ceil((loadMs / mb) * PARTS_OF_WORTH) / PARTS_OF_WORTH;
    const edge = addEdge(edges, from, to, mb, 0, -worth);
    for (;;) {
      const gain = worth - (potentials[from] ?? 0) + (potentials[to] ?? 0);
      if (edge.left === 0 || gain <= 0) break;
      const way = cheapestWay(edges, potentials, to, from, gain);
      if (way === undefined) break;
      const amount = Math.min(edge.left, ...way.map(({ left }) => left));
      for (const step of [edge, ...way]) {
        step.left -= amount;
        step.reverse.left += amount;
        saved -= amount * step.cost;
      }
    }
  }
  return saved;
}

/**
 * Adds an edge on which `left` more can flow, and `back` can be taken back.
 *
 * @param {Edge[][]} edges @param {number} from @param {number} to @param {number} left @param {number} back
 * @param {number} cost @returns {Edge}
 */
function addEdge(edges, from, to, left, back, cost) {
  const edge = /** @type {Edge} */ ({ to, left, cost });
  edge.reverse = { to: from, left: back, cost: -cost, reverse: edge };
  edges[from]?.push(edge);
  edges[to]?.push(edge.reverse);
  return edge;
}

/**
 * The edges of the cheapest way, if it costs less than the limit (Dijkstra's algorithm). Raises the potentials so that
 * the edges of that way cost nothing and no other costs less.
 *
 * @param {Edge[][]} edges @param {Float64Array} potentials @param {number} from @param {number} to
 * @param {number} limit @returns {Edge[] | undefined}
 */
function cheapestWay(edges, potentials, from, to, limit) {
  /** @type {Map<number, number>} */
  const distances = new Map([[from, 0]]);
  const distance = (/** @type {number} */ node) => distances.get(node) ?? Infinity;
  /** @type {Map<number, Edge>} */
  const arrivals = new Map();
  /** @type {Heap<number>} */
  const next = new Heap((a, b) => distance(a) < distance(b));
  next.push(from);
  for (let node = next.peek(); node !== undefined && node !== to; node = next.peek()) {
    const so = distance(node);
    if (so >= limit) break;
    next.delete(node);
    for (const edge of edges[node] ?? []) {
      if (edge.left === 0) continue;
      const step = edge.cost + (potentials[node] ?? 0) - (potentials[edge.to] ?? 0);
      if (so + step >= Math.min(limit, distance(edge.to))) continue;
      next.delete(edge.to);
      distances.set(edge.to, so + step);
      arrivals.set(edge.to, edge);
      next.push(edge.to);
    }
  }
  const length = Math.min(limit, distance(to));
  for (const [node, so] of distances) {
    if (so < length) potentials[node] = (potentials[node] ?? 0) + so - length;
  }
  if (length === limit) return undefined;
  /** @type {Edge[]} */
  const way = [];
  for (let node = to; node !== from; ) {
    const edge = /** @type {Edge} */ (arrivals.get(node));
    way.push(edge);
    node = edge.reverse.to;
  }
  return way;
}
