// @ts-check
// How long does a call take while other plugins crash as soon as they are started?
import { PLUGINS, withFolder, withSupervisor, writeManifest } from '../lib/host.mjs';
import { limitRow, percentile, timed } from '../lib/measure.mjs';

const LOOPING = 10;

export default () =>
  withFolder((folder) => {
    const names = Array.from({ length: LOOPING }, (_, index) => `looping-${index}`);
    for (const name of names) {
      const restart = { policy: 'permanent', intensity: 1_000, backoff: { base_ms: 0, cap_ms: 0 } };
      writeManifest(folder, { name, command: 'false', restart });
    }
    return withSupervisor(
      async (supervisor) => {
        for (let warmup = 0; warmup < 200; warmup += 1) await supervisor.execute('bench-node', {});
        const looping = new Set(names);
        supervisor.on('transition', ({ plugin, phase }) => {
          if (phase === 'failed') looping.delete(plugin);
        });
        for (const name of names) supervisor.load(name).catch(() => {});
        const times = [];
        while (looping.size > 0) {
          times.push(await timed(() => supervisor.execute('bench-node', {})));
        }
        return [
          limitRow(`execute beside ${LOOPING} crash loops, p99.9`, 'ms', percentile(times, 0.999), { atMost: 50 }),
        ];
      },
      { searchPaths: [folder, PLUGINS] },
    );
  });
