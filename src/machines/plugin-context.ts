import { NO_OVERSIZED } from '../scheduler/replacement-plan.ts';
import type { PluginContext, PluginInput } from './plugin-events.ts';

/**
 * What a plugin machine remembers at first. Set field by field: from an object literal of so many fields V8 makes
 * XState's copy, one for every `assign`, a hash table, which costs five times as much; and a literal that begins with a
 * spread takes 40 µs, half of what a new actor costs.
 */
export function contextOf({ entry, settings, gate, host, scheduler, supervisor }: PluginInput): PluginContext {
  const context = {} as { -readonly [Field in keyof PluginContext]: PluginContext[Field] };
  context.entry = entry;
  context.settings = settings;
  context.gate = gate;
  context.host = host;
  context.scheduler = scheduler;
  context.supervisor = supervisor;
  context.name = entry.manifest.name;
  context.generation = 0;
  context.current = undefined;
  context.replacement = undefined;
  context.replaceAgain = false;
  context.workers = [];
  context.granted = false;
  context.gpus = undefined;
  context.unasked = false;
  context.starved = false;
  context.denied = false;
  context.config = undefined;
  context.enabled = true;
  context.wished = false;
  context.intent = undefined;
  context.restarts = 0;
  context.lastError = undefined;
  context.lastExit = undefined;
  context.backoffMs = 0;
  context.oversized = NO_OVERSIZED;
  context.retryable = true;
  context.wasReady = false;
  context.everReady = false;
  return context;
}
