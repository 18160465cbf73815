import { execFileSync, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { expect, it, onTestFinished, test } from 'vitest';
import { endTrace, startTrace } from '../../src/calls/call-trace.ts';
import { ERROR_CODES, type ErrorCode, GreenroomError, type Supervisor } from '../../src/index.ts';
import { createMetrics, type Metrics } from '../../src/metrics/metrics.ts';
import { eventually } from '../eventually.ts';
import { door, failure, type OpenedSupervisor, openSupervisor, startCall } from '../runtime/greenroom.ts';

/** The metrics of a supervisor, until the test is over. */
function metricsOf(supervisor: Supervisor): Metrics {
  const metrics = createMetrics(supervisor);
  onTestFinished(() => metrics.close());
  return metrics;
}

/** The series of a scrape, by name and labels as they are written. */
async function seriesOf(metrics: Metrics): Promise<Record<string, number>> {
  const lines = (await metrics.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

/** The series of a plugin, of a metric without other labels. */
const of = (plugin: string, name: string): string => `greenroom_${name}{plugin="${plugin}"}`;

function until(condition: () => boolean): Promise<void> {
  return eventually(() => expect(condition()).toBe(true), { interval: 5 });
}

const readyOf = (opened: OpenedSupervisor, plugin: string): number =>
  opened.snapshot(plugin).instances.filter(({ state }) => state === 'ready').length;

it('counts calls, their errors by code, and how long they took', async () => {
  const { supervisor } = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const metrics = metricsOf(supervisor);
  await supervisor.execute('plugin', {});
  await failure(supervisor.execute('plugin', { do: 'fail' }));
  await failure(supervisor.execute('plugin', { do: 'fail' }));
  const series = await seriesOf(metrics);
  expect(series).toMatchObject({
    [of('plugin', 'calls_total')]: 3,
    'greenroom_call_errors_total{plugin="plugin",code="E_REMOTE"}': 2,
    [of('plugin', 'call_duration_seconds_count')]: 3,
    'greenroom_call_duration_seconds_bucket{le="+Inf",plugin="plugin"}': 3,
    [of('plugin', 'worker_starts_total')]: 1,
    [of('plugin', 'loads_total')]: 1,
    [of('plugin', 'plugin_instances')]: 1,
    'greenroom_plugin_state{plugin="plugin",state="ready"}': 1,
  });
  const sum = series[of('plugin', 'call_duration_seconds_sum')] as number;
  const loading = series[of('plugin', 'load_seconds_total')] as number;
  expect(loading).toBeGreaterThan(0);
  // The first call has waited for the load.
  expect(sum).toBeGreaterThan(loading);
  expect(sum).toBeLessThan(30);
});

it('shows the calls that run and wait now', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const metrics = metricsOf(opened.supervisor);
  const { file, open } = door(opened);
  const { running, result } = startCall(opened, 'plugin', { do: 'wait', for: file });
  await running;
  const waiting = opened.supervisor.execute('plugin', {});
  expect(await seriesOf(metrics)).toMatchObject({
    [of('plugin', 'calls_in_flight')]: 1,
    [of('plugin', 'calls_waiting')]: 1,
    'greenroom_plugin_state{plugin="plugin",state="busy"}': 1,
  });
  open();
  await Promise.all([result, waiting]);
  expect(await seriesOf(metrics)).toMatchObject({
    [of('plugin', 'calls_in_flight')]: 0,
    [of('plugin', 'calls_waiting')]: 0,
  });
});

it('counts crashes and restarts of a plugin, and of each of its instances', async () => {
  const opened = await openSupervisor({
    one: { fixture: 'workbench' },
    several: { fixture: 'workbench', instances: { min: 2, max: 2 } },
  });
  const { supervisor } = opened;
  const metrics = metricsOf(supervisor);
  await Promise.all([supervisor.load('one'), supervisor.load('several')]);
  await until(() => readyOf(opened, 'several') === 2);
  expect(await seriesOf(metrics)).toMatchObject({
    [of('one', 'loads_total')]: 1,
    [of('several', 'loads_total')]: 2,
    [of('several', 'plugin_instances')]: 2,
  });
  process.kill(opened.snapshot('one').pid as number, 'SIGKILL');
  process.kill(opened.snapshot('several').instances[1]?.pid as number, 'SIGKILL');
  await until(() => opened.snapshot('several').generation === 3 && readyOf(opened, 'several') === 2);
  await until(() => opened.snapshot('one').generation === 2 && opened.snapshot('one').state === 'ready');
  expect(await seriesOf(metrics)).toMatchObject({
    [of('one', 'crashes_total')]: 1,
    [of('one', 'restarts_total')]: 1,
    [of('one', 'loads_total')]: 2,
    [of('one', 'worker_starts_total')]: 2,
    [of('several', 'crashes_total')]: 1,
    [of('several', 'loads_total')]: 3,
    [of('several', 'worker_starts_total')]: 3,
  });
});

it('counts evictions by reason, and shows capacity and what is reserved of it', async () => {
  const resources = { min_system_ram_mb: 60, min_gpu_vram_mb: 1_000 };
  const { supervisor } = await openSupervisor(
    { one: { fixture: 'workbench', resources }, other: { fixture: 'workbench', resources } },
    { capacity: { ramMb: 100, vramMb: 4_000, slots: 3 } },
  );
  const metrics = metricsOf(supervisor);
  const told: string[] = [];
  supervisor.on('eviction', ({ plugin, requester, outcome, reason, at }) => {
    expect(Math.abs(at - Date.now())).toBeLessThan(60_000);
    told.push(`${plugin} ${outcome} for ${requester}: ${reason}`);
  });
  await supervisor.execute('one', {});
  await supervisor.execute('other', {});
  // Twice where what it has kept after its release is wanted too.
  expect(new Set(told)).toEqual(new Set(['one left for other: fits-after-eviction']));
  expect(told).toHaveLength(supervisor.status().scheduling.evicted);
  const MIB = 2 ** 20;
  expect(await seriesOf(metrics)).toMatchObject({
    'greenroom_evictions_total{plugin="one",reason="fits-after-eviction"}': told.length,
    greenroom_capacity_ram_bytes: 100 * MIB,
    'greenroom_capacity_gpu_bytes{gpu="all"}': 4_000 * MIB,
    greenroom_capacity_slots: 3,
    greenroom_reserved_ram_bytes: 60 * MIB,
    'greenroom_reserved_gpu_bytes{gpu="all"}': 1_000 * MIB,
    greenroom_reserved_slots: 1,
    greenroom_plugins_waiting: 0,
    [of('other', 'plugin_reserved_ram_bytes')]: 60 * MIB,
    [of('other', 'plugin_reserved_gpu_bytes')]: 1_000 * MIB,
  });
  expect(await metrics.text()).not.toContain(of('one', 'plugin_reserved_ram_bytes'));
});

it('measures the memory of workers after a scrape, for the next one, and how late timers are', async () => {
  const { supervisor } = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const metrics = metricsOf(supervisor);
  await supervisor.load('plugin');
  const first = await seriesOf(metrics);
  expect(first).not.toHaveProperty(['greenroom_plugin_used_ram_bytes{plugin="plugin"}']);
  const blockedUntil = performance.now() + 200;
  while (performance.now() < blockedUntil);
  const next = await eventually(async () => {
    const series = await seriesOf(metrics);
    expect(series[of('plugin', 'plugin_used_ram_bytes')]).toBeGreaterThan(2 ** 20);
    return series;
  });
  expect(next['greenroom_event_loop_lag_max_seconds']).toBeGreaterThanOrEqual(
    next['greenroom_event_loop_lag_seconds'] as number,
  );
});

it('takes the series of a plugin with it, also where a call of it ends later', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' }, stays: { fixture: 'workbench' } });
  const { supervisor } = opened;
  const metrics = metricsOf(supervisor);
  await failure(supervisor.execute('plugin', { do: 'fail' }));
  expect(await metrics.text()).toContain('plugin="plugin"');
  const { file, open } = door(opened);
  const { running, result } = startCall(opened, 'plugin', { do: 'wait', for: file });
  await running;
  rmSync(opened.snapshot('plugin').manifestPath);
  await supervisor.discover();
  open();
  await result.catch(() => {});
  await until(() => supervisor.plugins().every(({ name }) => name !== 'plugin'));
  const text = await metrics.text();
  expect(text).not.toContain('plugin="plugin"');
  expect(text).toContain('plugin="stays"');
});

it('writes the name of a plugin as it is, whatever is in it', async () => {
  const name = 'a "b" {c="d"} ,e: é\u2028 #';
  const { supervisor } = await openSupervisor({ [name]: { fixture: 'workbench' } });
  const metrics = metricsOf(supervisor);
  endTrace(startTrace(supervisor, name, '1', 'execute', 'execute', undefined) as never);
  const text = await metrics.text();
  expect(text).toContain(`greenroom_calls_total{plugin="a \\"b\\" {c=\\"d\\"} ,e: é\u2028 #"} 1\n`);
});

it('has at most 34 series a plugin, however many errors and reasons there are', async () => {
  const { supervisor } = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const metrics = metricsOf(supervisor);
  await supervisor.load('plugin');
  for (const code of Object.keys(ERROR_CODES) as Exclude<ErrorCode, 'E_REMOTE'>[]) {
    const trace = startTrace(supervisor, 'plugin', code, 'execute', 'execute', undefined);
    if (trace !== undefined) endTrace(trace, new GreenroomError(code, 'It failed.', { plugin: 'plugin' }));
  }
  await metrics.text();
  const series = await eventually(async () => {
    const all = Object.keys(await seriesOf(metrics)).filter((one) => one.includes('plugin="plugin"'));
    expect(all.some((one) => one.includes('used_ram'))).toBe(true);
    return all;
  });
  expect(series).toContain('greenroom_call_errors_total{plugin="plugin",code="other"}');
  // Beside these there may be four reasons of evictions, and GPU memory.
  expect(series.length).toBeLessThanOrEqual(34 - 4 - 1);
});

test('promtool finds nothing to say against it', async ({ skip }) => {
  if (spawnSync('promtool', ['--version']).error !== undefined)
    skip('promtool is not installed: the names, units and the format of the metrics are not checked');
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } }, { capacity: { ramMb: 1_000, slots: 2 } });
  const metrics = metricsOf(opened.supervisor);
  await failure(opened.supervisor.execute('plugin', { do: 'fail' }));
  const checked = spawnSync('promtool', ['check', 'metrics'], { input: await metrics.text(), encoding: 'utf8' });
  expect(checked.stdout + checked.stderr).toBe('');
  expect(checked.status).toBe(0);
});

it('counts nothing after its end, nor calls of another supervisor', async () => {
  const one = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const other = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const metrics = metricsOf(one.supervisor);
  await other.supervisor.execute('plugin', {});
  expect(await seriesOf(metrics)).toMatchObject({ [of('plugin', 'calls_total')]: 0 });
  metrics.close();
  metrics.close();
  await one.supervisor.execute('plugin', {});
  expect(await seriesOf(metrics)).toMatchObject({ [of('plugin', 'calls_total')]: 0 });
});

test('a program that embeds a supervisor loads neither prom-client nor OpenTelemetry', () => {
  const script = `
    import { createRequire } from 'node:module';
    const require = createRequire(import.meta.url);
    await import(process.argv[1]);
    console.log(JSON.stringify(Object.keys(require.cache)));`;
  const dist = new URL('../../dist/index.js', import.meta.url).href;
  const files = JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', script, dist], { encoding: 'utf8' }),
  ) as string[];
  expect(files.filter((file) => /prom-client|opentelemetry/.test(file))).toEqual([]);
});
