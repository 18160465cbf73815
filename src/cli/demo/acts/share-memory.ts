import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decisionText } from '../../../scheduler/decision-text.ts';
import { createSupervisor } from '../../../supervisor.ts';
import type { Stage } from '../stage.ts';
import { HELLO } from '../workshop.ts';

/** What each plugin says that it takes up, and what there is for all, in MiB: two fit. */
const NEED_MB = 100;
const BUDGET_MB = 250;
const NAMES = ['first', 'second', 'third'];

/** Three plugins, and memory for two: the one that was used least recently goes. */
export async function shareMemory(stage: Stage): Promise<void> {
  if (stage.missing.has(HELLO)) return;
  stage.act(
    'Memory for two, and a third is called',
    `A budget of ${BUDGET_MB} MiB, and plugins that need ${NEED_MB} each. The call waits until there is room; the plugin that was used least recently makes it.`,
  );
  const { scratch, plugins } = stage.workshop;
  const folder = join(scratch, 'budget');
  mkdirSync(folder);
  for (const name of NAMES) writeFileSync(join(folder, `${name}.json`), JSON.stringify(manifestOf(name, plugins)));
  const supervisor = await createSupervisor({
    searchPaths: [folder],
    dataDir: join(scratch, 'budget-data'),
    capacity: { ramMb: BUDGET_MB },
    policy: 'queue',
    order: 'lru',
    watch: false,
    load: 'lazy',
    logLevel: 'silent',
  });
  try {
    for (const plugin of NAMES) {
      const startedAt = stage.now();
      const { text } = await supervisor.execute<{ text: string }>(plugin, { name: 'Ada' }, { signal: stage.signal });
      stage.result(plugin, 'share', stage.now() - startedAt, text, { text });
    }
    const { eviction } = supervisor.explain('first');
    if (eviction === undefined) throw new Error('There was no room for a third plugin, and nobody had to go.');
    stage.emit({ type: 'decision', decision: eviction, lines: decisionText(eviction, Date.now()) });
  } finally {
    await supervisor.stop();
  }
}

/** The same plugin under another name, with a need. */
function manifestOf(name: string, plugins: string): object {
  const folder = join(plugins, HELLO);
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as { module: string };
  const module = join(folder, manifest.module);
  return { ...manifest, name, module, resources: { min_system_ram_mb: NEED_MB } };
}
