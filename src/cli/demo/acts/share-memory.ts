import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Decision } from '../../../scheduler/decision.ts';
import { decisionText } from '../../../scheduler/decision-text.ts';
import { MEMORY_BUDGET_MB, type Stage } from '../stage.ts';
import { HELLO } from '../workshop.ts';

/** What each of the new plugins says that it needs, in MiB. */
const NEED_MB = 200;
const NAMES = ['first', 'second', 'third'];

/** The budget is taken up, and more plugins are called: those that were used least recently go. */
export async function shareMemory(stage: Stage): Promise<void> {
  if (stage.missing.has(HELLO)) return;
  stage.act(
    'Memory is taken up, and more plugins are called',
    `A budget of ${MEMORY_BUDGET_MB} MiB, and three new plugins that need ${NEED_MB} each. A call waits until enough is free; the plugin that was used least recently is evicted for it.`,
  );
  const { supervisor, signal, workshop } = stage;
  let eviction: Decision | undefined;
  const off = supervisor.on('decision', (decision) => {
    if (decision.outcome === 'evict') eviction = decision;
  });
  for (const name of NAMES) {
    const folder = join(workshop.plugins, name);
    mkdirSync(folder);
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifestOf(name, workshop.plugins)));
  }
  await supervisor.discover();
  for (const plugin of NAMES) {
    const startedAt = stage.now();
    const { text } = await supervisor.execute<{ text: string }>(plugin, { name: 'Ada' }, { signal });
    stage.result(plugin, 'share', stage.now() - startedAt, text, { text });
  }
  off();
  // With parts of the demo left out, there may be memory for all.
  if (eviction === undefined) return;
  stage.emit({ type: 'decision', decision: eviction, lines: decisionText(eviction, Date.now()) });
}

/** The same plugin under another name, with a need. */
function manifestOf(name: string, plugins: string): object {
  const folder = join(plugins, HELLO);
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as { module: string };
  const module = join(folder, manifest.module);
  return { ...manifest, name, module, resources: { min_system_ram_mb: NEED_MB } };
}
