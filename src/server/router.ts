import { METHODS } from 'node:http';
import createFinder, { type HTTPMethod } from 'find-my-way';
import type { Front, Route } from './route.ts';

/** A route that fits a request. */
export interface Found {
  readonly front: Front;
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/** A name may have 128 letters, each escaped as up to twelve. */
const MAX_PARAM_LENGTH = 2_048;

/** Finds the route of a request among those of several fronts. */
export class Router {
  readonly #finder = createFinder({ maxParamLength: MAX_PARAM_LENGTH });
  readonly #fronts: readonly Front[];
  /** Longest prefix first, so that the first that fits is the nearest. */
  readonly #prefixes: readonly (readonly [prefix: string, front: Front])[];

  constructor(fronts: readonly Front[]) {
    this.#fronts = fronts;
    this.#prefixes = fronts
      .flatMap((front) => front.prefixes.map((prefix) => [prefix, front] as const))
      .toSorted(([a], [b]) => b.length - a.length);
    for (const front of fronts)
      for (const route of front.routes)
        this.#finder.on(route.method, route.path, {}, () => {}, { front, route } satisfies Omit<Found, 'params'>);
  }

  get fronts(): readonly Front[] {
    return this.#fronts;
  }

  /**
   * The route for a method and a path without its query; undefined where there is none. For HEAD it may be that of GET, of
   * whose answer Node sends the head alone.
   */
  find(method: string, path: string): Found | undefined {
    if (!METHODS.includes(method)) return undefined;
    const found =
      this.#finder.find(method as HTTPMethod, path) ?? (method === 'HEAD' ? this.#finder.find('GET', path) : null);
    if (found === null) return undefined;
    const { front, route } = found.store as Omit<Found, 'params'>;
    return { front, route, params: found.params as Record<string, string> };
  }

  /** The methods for which a path has routes. */
  methodsOf(path: string): Route['method'][] {
    const methods: Route['method'][] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
    return methods.filter((method) => this.find(method, path) !== undefined);
  }

  /** The front that tells of errors at a path. */
  frontOf(path: string): Front | undefined {
    return this.#prefixes.find(
      ([prefix]) => path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`),
    )?.[1];
  }
}
