import { kindOf } from '../worker-kinds/kinds.ts';
import type { PluginRecord } from './plugin-record.ts';

/** What is being installed for a plugin. */
export interface Installing {
  /** The package, or the file of requirements. */
  readonly spec: string;
  /** For how long already, in milliseconds. */
  readonly forMs: number;
}

/** What is being installed for a plugin at the moment; undefined where nothing is. */
export function installingFor({ phase, entry, clock, enteredAt }: PluginRecord): Installing | undefined {
  if (phase !== 'installing') return undefined;
  const kind = kindOf(entry.manifest);
  const spec = kind.install?.(kind.command(entry, {}))?.spec ?? entry.manifest.python?.requirements;
  return spec === undefined ? undefined : { spec, forMs: clock.monotonic() - enteredAt };
}
