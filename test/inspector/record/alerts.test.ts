import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Alerts } from '../../../src/inspector/record/alerts.ts';
import { Recorder } from '../../../src/inspector/record/recorder.ts';
import type { Alert, AlertKind, InspectorRecord, Sync } from '../../../src/inspector/wire.ts';
import type { SupervisorSettings } from '../../../src/settings/schema.ts';
import { eventuallyTrue } from '../../eventually.ts';
import { type Bench, endAfterTest, openBench } from '../bench.ts';

/** A bench that is recorded, and what its recorder says is wrong. */
async function openRecorded(
  manifest: Record<string, unknown> = {},
  settings: SupervisorSettings = {},
): Promise<{ readonly bench: Bench; readonly recorder: Recorder; alerts(): readonly Alert[] }> {
  const bench = await openBench(manifest, settings);
  const recorder = new Recorder(bench.inspected);
  endAfterTest(async () => recorder.close());
  const alerts = (): readonly Alert[] => {
    const { actors } = JSON.parse(recorder.sync(false)) as Sync;
    return actors.find(({ id }) => id === 'supervisor')?.context['alerts'] as unknown as readonly Alert[];
  };
  return { bench, recorder, alerts };
}

const kindsOf = (alerts: readonly Alert[]): string[] => alerts.map(({ kind, actor }) => `${kind} ${actor}`);

describe('what is wrong', () => {
  it('is nothing of a supervisor whose plugins are well', async () => {
    const { bench, alerts } = await openRecorded();
    await bench.supervisor.execute('bench', { do: 'about' });
    expect(alerts()).toEqual([]);
  });

  it('is a crash, with the record that tells of it, and a plugin that is given up instead of its crash', async () => {
    const { bench, recorder, alerts } = await openRecorded({ restart: { policy: 'temporary' } });
    await bench.supervisor.execute('bench', { do: 'exit', code: 7 }).catch(() => {});
    await eventuallyTrue(() => bench.supervisor.plugin('bench').snapshot().phase === 'failed');
    await eventuallyTrue(() => kindsOf(alerts()).join() === 'given-up plugin:bench');
    const [alert] = alerts();
    const records = recorder.journal.all().map((line) => JSON.parse(line) as InspectorRecord);
    const told = records.find(({ seq }) => seq === alert?.seq);
    expect(told).toMatchObject({ kind: 'crash', actor: 'plugin:bench', at: alert?.at });
    expect(alert?.text).toMatch(/^E_CRASHED: .*exited with status 7/);
    // It is a change of the supervisor's context, so a session file has it too.
    expect(records.filter(({ kind, actor }) => kind === 'context' && actor === 'supervisor')).not.toEqual([]);
    await bench.supervisor.load('bench');
    await eventuallyTrue(() => kindsOf(alerts()).join() === 'crashed plugin:bench');
  });

  it('is a worker that hung', async () => {
    const { bench, alerts } = await openRecorded({ liveness: { interval_ms: 20, timeout_ms: 100 } });
    await bench.supervisor.load('bench');
    process.kill(bench.supervisor.plugin('bench').snapshot().pid ?? 0, 'SIGSTOP');
    await eventuallyTrue(() => kindsOf(alerts()).join() === 'hung plugin:bench');
  });

  it('is a call that runs for long, while it does, and no start of a worker', async () => {
    const { bench, alerts } = await openRecorded();
    await bench.supervisor.load('bench');
    const controller = new AbortController();
    const running = bench.supervisor.execute('bench', { do: 'deaf' }, { signal: controller.signal }).catch(() => {});
    await eventuallyTrue(() => kindsOf(alerts()).join() === 'slow plugin:bench');
    expect(alerts()[0]).toMatchObject({
      text: expect.stringMatching(/^execute has run for over \d/),
      call: expect.any(String),
    });
    controller.abort();
    await running;
  });

  it('is a plugin that waits for longer than half of the longest wait', async () => {
    const { bench, alerts } = await openRecorded({}, { capacity: { slots: 1 }, maxWaitMs: 200, policy: 'queue' });
    bench.write('other');
    await bench.supervisor.discover();
    const caller = new AbortController();
    const never = join(bench.folder, 'never');
    const call = bench.supervisor
      .execute('bench', { do: 'wait', for: never }, { signal: caller.signal })
      .catch(() => {});
    await eventuallyTrue(() => bench.supervisor.plugin('bench').snapshot().state === 'busy');
    const waiting = bench.supervisor.execute('other', { do: 'about' });
    await eventuallyTrue(() => kindsOf(alerts()).includes('waiting plugin:other'));
    expect(alerts().find(({ kind }) => kind === 'waiting')?.text).toBe('it waits for memory');
    caller.abort();
    await Promise.all([call, waiting]);
    await eventuallyTrue(() => !kindsOf(alerts()).includes('waiting plugin:other'));
  });

  it('is a refusal, until the plugin has its memory', async () => {
    const { bench, alerts } = await openRecorded(
      { resources: { requires_gpu: false, min_system_ram_mb: 64 } },
      { capacity: { ramMb: 32 }, policy: 'queue' },
    );
    await bench.supervisor.load('bench').catch(() => {});
    await eventuallyTrue(() => kindsOf(alerts()).join() === 'refused plugin:bench');
    bench.write('bench', { resources: { requires_gpu: false, min_system_ram_mb: 1 } });
    await bench.supervisor.discover();
    await bench.supervisor.load('bench');
    await eventuallyTrue(() => !kindsOf(alerts()).includes('refused plugin:bench'));
  });

  it('is a manifest that cannot be used, without the secrets in it, until it can', async () => {
    const { bench, alerts } = await openRecorded();
    const file = join(bench.folder, 'plugins', 'broken.json');
    writeFileSync(file, '{ "name": "broken" ');
    await bench.supervisor.discover();
    await eventuallyTrue(() => kindsOf(alerts()).join() === 'manifest supervisor');
    expect(alerts()[0]?.text).toContain('broken.json');
    bench.write('broken');
    await bench.supervisor.discover();
    await eventuallyTrue(() => alerts().length === 0);
  });
});

it('tells of the worst first, of no more than twenty, and only of what is new', () => {
  const alert = (kind: AlertKind, at: number): Alert => ({ kind, actor: 'plugin:a', at, text: '' });
  const alerts = new Alerts();
  const found = [alert('manifest', 1), alert('crashed', 1), alert('crashed', 2), alert('given-up', 0)];
  expect(alerts.update(found)).toBe(true);
  expect(alerts.update(found.toReversed())).toBe(false);
  expect(alerts.context['alerts']).toMatchObject([
    { kind: 'given-up' },
    { kind: 'crashed', at: 2 },
    { kind: 'crashed', at: 1 },
    { kind: 'manifest' },
  ]);
  expect(alerts.update(Array.from({ length: 25 }, (_, at) => alert('crashed', at)))).toBe(true);
  expect(alerts.context).toMatchObject({ moreAlerts: 5 });
  expect(alerts.context['alerts']).toHaveLength(20);
});
