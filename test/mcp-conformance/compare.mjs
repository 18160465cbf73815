// @ts-check
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXPECTED, TIMED } from './expected.mjs';

/** @typedef {{ id: string, name: string, status: string, errorMessage?: string }} Check */

/** The worst first. */
const STATUSES = ['FAILURE', 'WARNING', 'SKIPPED', 'INFO', 'SUCCESS'];

/**
 * What the suite wrote into a folder: the worst status and its message of each check, by scenario.
 * @param {string} folder
 */
export function scenariosOf(folder) {
  /** @type {Map<string, Map<string, Check>>} */
  const scenarios = new Map();
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted()) {
    if (!path.endsWith('checks.json')) continue;
    const [, name = path] = /^(?:server-)?(.+?)(?:-\d{4}-\d\d-\d\dT[\d-]+Z)?[\\/]checks\.json$/.exec(path) ?? [];
    const checks = new Map();
    for (const check of /** @type {Check[]} */ (JSON.parse(readFileSync(join(folder, path), 'utf8')))) {
      const key = `${check.id} ${check.name}`;
      const before = checks.get(key);
      if (before === undefined || STATUSES.indexOf(check.status) < STATUSES.indexOf(before.status))
        checks.set(key, check);
    }
    scenarios.set(name, checks);
  }
  return scenarios;
}

/**
 * A line for each scenario, under it the checks that end otherwise than directly; and how many scenarios do, or do not, and
 * were not expected to.
 *
 * @param {ReturnType<typeof scenariosOf>} directly
 * @param {ReturnType<typeof scenariosOf>} through
 * @param {string} plugin
 */
export function differences(directly, through, plugin) {
  const lines = [];
  let faults = 0;
  for (const name of new Set([...directly.keys(), ...through.keys()])) {
    const [a, b] = [directly.get(name) ?? new Map(), through.get(name) ?? new Map()];
    const why = EXPECTED[plugin]?.[name];
    const isAsExpected = isSame(a, b) ? why === undefined || TIMED.has(name) : why !== undefined;
    if (!isAsExpected) faults += 1;
    lines.push(
      `${isAsExpected ? 'ok    ' : 'not ok'} ${name}: ${counted(a)} directly, ${counted(b)} through Greenroom`,
    );
    if (why !== undefined) lines.push(`       expected to end otherwise: ${why}`);
    if (isAsExpected) continue;
    for (const key of new Set([...a.keys(), ...b.keys()])) {
      const [was, is] = [a.get(key), b.get(key)];
      if (was?.status === is?.status) continue;
      const message = is?.errorMessage ?? was?.errorMessage ?? '';
      lines.push(`       ${key}: ${was?.status ?? 'not asked'} → ${is?.status ?? 'not asked'} ${message}`);
    }
  }
  return { lines, faults };
}

/** @param {Map<string, Check>} a @param {Map<string, Check>} b */
function isSame(a, b) {
  return a.size === b.size && [...a].every(([key, { status }]) => b.get(key)?.status === status);
}

/** @param {Map<string, Check>} checks */
function counted(checks) {
  const counts = STATUSES.map((status) => [
    status,
    [...checks.values()].filter((each) => each.status === status).length,
  ]);
  const shown = counts
    .filter(([, count]) => count !== 0)
    .map(([status, count]) => `${count} ${String(status).toLowerCase()}`);
  return shown.join(', ') || 'not asked';
}
