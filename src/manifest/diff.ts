import { isDeepStrictEqual } from 'node:util';
import type { ManifestEntry } from './read.ts';

/**
 * What a changed manifest asks for: `info`, nothing; `config`, the plugin is given its config anew; `resources`, the
 * scheduler hears; `policy`, timeouts, limits and restarts count from now on; `replace`, another worker is needed.
 */
export type Consequence = 'info' | 'config' | 'resources' | 'policy' | 'replace';

/** The fields of which a change needs no new worker. Whatever is not named here is for information. */
const CONSEQUENCES: Readonly<Record<string, Consequence>> = {
  config_schema: 'config',
  resources: 'resources',
  restart: 'policy',
  start_timeout_ms: 'policy',
  install_timeout_ms: 'policy',
  drain_timeout_ms: 'policy',
  stop_timeout_ms: 'policy',
  cancel_grace_ms: 'policy',
  max_waiting: 'policy',
  idempotent: 'policy',
  instances: 'policy',
  // Given to a worker when it starts, or to what watches it.
  liveness: 'replace',
  max_rss_mb: 'replace',
  max_concurrency: 'replace',
  worker: 'replace',
  class: 'replace',
  python: 'replace',
  args: 'replace',
  url: 'replace',
  base_path: 'replace',
  headers: 'replace',
  ready: 'replace',
  stop_command: 'replace',
  env_vars: 'replace',
  pass_env: 'replace',
};

/** The smallest set of things that must happen for the new manifest to be in force; empty where nothing has changed. */
export function consequencesOf(previous: ManifestEntry, next: ManifestEntry): readonly Consequence[] {
  const found = new Set<Consequence>();
  const before: Record<string, unknown> = previous.manifest;
  const after: Record<string, unknown> = next.manifest;
  for (const field of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (!isDeepStrictEqual(before[field], after[field])) found.add(CONSEQUENCES[field] ?? 'info');
  }
  // Relative paths mean another file when the manifest has moved; a dotted Python module is looked up in its folder.
  if (!isDeepStrictEqual(previous.resolved, next.resolved)) found.add('replace');
  if (previous.folder !== next.folder) found.add('replace');
  if (previous.file !== next.file) found.add('info');
  return [...found];
}
