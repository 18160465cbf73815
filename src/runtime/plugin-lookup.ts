import { checkListener, checkOptions, FLAG, type OptionKind, TEXT } from '../argument-checks.ts';
import { GreenroomError } from '../errors.ts';
import { callListener } from '../events/listeners.ts';
import { frozen } from '../json/frozen.ts';
import { PHASES } from '../machines/plugin/phases.ts';
import type { PluginState } from '../machines/plugin.ts';
import { nearestName } from '../text/nearest-name.ts';
import { quoted } from '../text/shown.ts';
import type { PluginFilter, PluginHandle } from './plugin-handle.ts';
import type { PluginRecord } from './plugin-record.ts';
import type { PluginSnapshot } from './plugin-snapshot.ts';

const STATES = Object.keys(PHASES) as readonly PluginState[];

const STATE: OptionKind = {
  expected: `one of ${STATES.join(', ')}`,
  fits: (value) => STATES.some((state) => state === value),
};

const PLUGIN_FILTER = { category: TEXT, loaded: FLAG, state: STATE, enabled: FLAG };

const CATEGORY_FILTER = { loaded: FLAG };

/** The plugins of a supervisor, as its methods find them: by name, or by what a filter says of them. */
export class PluginLookup {
  readonly #records: ReadonlyMap<string, PluginRecord>;
  readonly #isStopping: () => boolean;

  constructor(records: ReadonlyMap<string, PluginRecord>, isStopping: () => boolean) {
    this.#records = records;
    this.#isStopping = isStopping;
  }

  /** Throws `E_UNKNOWN_PLUGIN`, and `E_STOPPING` once the supervisor is stopping. */
  find(name: string): PluginRecord {
    const record = this.#records.get(name);
    if (record === undefined) throw this.whyNot(name);
    this.refuseIfStopping();
    return record;
  }

  list(filter: PluginFilter): readonly PluginSnapshot[] {
    checkOptions('plugins()', filter, PLUGIN_FILTER);
    const { category, loaded, state, enabled } = filter;
    const found: PluginSnapshot[] = [];
    for (const record of this.#records.values()) {
      if (category !== undefined && (record.entry.manifest.category ?? '') !== category) continue;
      if (loaded !== undefined && record.loaded !== loaded) continue;
      if (state !== undefined && record.shownState().state !== state) continue;
      if (enabled !== undefined && record.context.enabled !== enabled) continue;
      found.push(record.snapshot());
    }
    return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  categories(filter: { readonly loaded?: boolean | undefined }): readonly string[] {
    checkOptions('categories()', filter, CATEGORY_FILTER);
    const { loaded } = filter;
    const found = new Set<string>();
    for (const { category } of this.list({ loaded })) if (category !== '') found.add(category);
    return [...found].toSorted();
  }

  handle(name: string): PluginHandle {
    const record = this.find(name);
    return {
      name,
      get info() {
        // What a program changed of it would change what the supervisor decides.
        return frozen(record.entry.manifest);
      },
      snapshot: () => record.snapshot(),
      subscribe: (listener) => {
        checkListener('plugin().subscribe()', listener);
        return record.watch(() => callListener(listener, record.snapshot(), record.onListenerError));
      },
    };
  }

  /** Whether the supervisor is stopping, or has stopped. */
  get isStopping(): boolean {
    return this.#isStopping();
  }

  refuseIfStopping(): void {
    if (this.#isStopping()) throw stoppingError();
  }

  /** Why a plugin of this name cannot be used: the supervisor is stopping, or it must be loaded first, or is unknown. */
  whyNot(name: string): GreenroomError {
    if (this.#isStopping()) return stoppingError();
    if (this.#records.has(name)) {
      return new GreenroomError('E_NOT_LOADED', `"${name}" is not loaded. Load it first: load("${name}").`, {
        plugin: name,
      });
    }
    // JavaScript may have passed anything.
    const isName = typeof name === 'string';
    const near = isName ? nearestName(name, this.#records.keys()) : undefined;
    const hint =
      near === undefined
        ? 'Those that there are: plugins(), "greenroom list", or GET /api/plugins.'
        : `Did you mean "${near}"?`;
    return new GreenroomError('E_UNKNOWN_PLUGIN', `There is no plugin ${quoted(name)}. ${hint}`, {
      plugin: isName ? name : undefined,
      details: { nearest: near },
    });
  }
}

/** Why a supervisor that is stopping does nothing more. */
export function stoppingError(): GreenroomError {
  return new GreenroomError(
    'E_STOPPING',
    'The supervisor is stopping or has stopped. Create another one with createSupervisor().',
  );
}

/** Why a disabled plugin is neither called nor loaded. */
export function disabledError(name: string): GreenroomError {
  return new GreenroomError('E_DISABLED', `"${name}" is disabled. Enable it first: enable("${name}").`, {
    plugin: name,
  });
}
