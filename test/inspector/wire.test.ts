import { readFileSync } from 'node:fs';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { Decision, PluginSnapshot, PluginState, SupervisorStatus } from '../../src/index.ts';
import type * as wire from '../../src/inspector/wire.ts';
import type { InstanceEvent } from '../../src/runtime/supervisor-events.ts';

describe('the types of what the inspector says to its page', () => {
  it('have what the runtime says of a supervisor, of a plugin and of a decision', () => {
    expectTypeOf<wire.SupervisorStatus>().toEqualTypeOf<SupervisorStatus>();
    expectTypeOf<wire.PluginState>().toEqualTypeOf<PluginState>();
    expectTypeOf<PluginSnapshot>().toExtend<wire.PluginSnapshot>();
    expectTypeOf<keyof wire.PluginSnapshot>().toEqualTypeOf<
      keyof PluginSnapshot | 'memoryMb' | 'budgetMb' | 'config'
    >();
    // The phase stands with the state, and the plugin is the actor.
    expectTypeOf<Exclude<keyof InstanceEvent, 'plugin' | 'phase'>>().toEqualTypeOf<
      Exclude<keyof wire.InstanceRecord, 'kind' | 'seq' | 'actor' | 'payloadSize'>
    >();
    expectTypeOf<Decision>().toExtend<Omit<wire.DecisionRecord, 'kind' | 'seq' | 'actor' | 'payloadSize'>>();
    expectTypeOf<keyof Decision>().toEqualTypeOf<
      'plugin' | Exclude<keyof wire.DecisionRecord, 'kind' | 'seq' | 'actor' | 'payloadSize'>
    >();
  });

  it('allow what JSON leaves out to be absent', () => {
    expectTypeOf<Omit<wire.PluginSnapshot, 'pid' | 'lastUsedAt' | 'lastError'>>().toExtend<wire.PluginSnapshot>();
  });

  it('bring no code of the runtime into the page', () => {
    const text = readFileSync(new URL('../../src/inspector/wire.ts', import.meta.url), 'utf8');
    const lines = text.match(/^(?:import|export) .*$/gm) ?? [];
    expect(lines.filter((line) => !/^(?:import|export) (?:type|interface) /.test(line))).toEqual([]);
  });
});
