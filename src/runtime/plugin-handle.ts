import type { PluginState } from '../machines/plugin/phases.ts';
import type { Manifest } from '../manifest/schema.ts';
import type { PluginSnapshot } from './plugin-snapshot.ts';

/** Which plugins `plugins()` lists. */
export interface PluginFilter {
  readonly category?: string | undefined;
  readonly loaded?: boolean | undefined;
  readonly state?: PluginState | undefined;
  readonly enabled?: boolean | undefined;
}

/** One plugin, to look at and to subscribe to. */
export interface PluginHandle {
  readonly name: string;
  /** The manifest in force, frozen at every level. */
  readonly info: Manifest;
  snapshot(): PluginSnapshot;
  /** Calls back at every state that is entered. Returns how to stop. Throws `E_OPTIONS` for what is no function. */
  subscribe(listener: (plugin: PluginSnapshot) => void): () => void;
}
