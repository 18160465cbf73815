import { fileURLToPath } from 'node:url';
import { breakManifest } from './acts/break-manifest.ts';
import { buildLibrary } from './acts/build-library.ts';
import { cancelCall } from './acts/cancel-call.ts';
import { editManifests } from './acts/edit-manifests.ts';
import { introduce } from './acts/introduce.ts';
import { killProgram } from './acts/kill-program.ts';
import { shareMemory } from './acts/share-memory.ts';
import { type Findings, showFindings } from './acts/show-findings.ts';
import { useAllCores } from './acts/use-all-cores.ts';
import { corpusOf, ownCorpus } from './corpus.ts';
import type { Reporter } from './events.ts';
import { jsonReporter } from './json-reporter.ts';
import { Stage } from './stage.ts';
import { terminalReporter } from './terminal-reporter.ts';
import { openWorkshop } from './workshop.ts';

/** What `demo` takes. */
export interface DemoOptions {
  /** The documents, a folder or a file; by default those of the package and its dependencies. */
  readonly folder: string | undefined;
  /** Whether a program reads along: each event is a line of JSON then. */
  readonly json: boolean;
  /** Whether the inspector is served, from the start until the signal. */
  readonly inspect: boolean;
  /** Ends the demo in good order. */
  readonly signal: AbortSignal;
}

const PACKAGE = fileURLToPath(new URL('../../../', import.meta.url));

/** The status of what was ended by Ctrl-C. */
const INTERRUPTED = 130;

/**
 * Makes a searchable library of a folder of documents, and shows on the way what the supervisor does: starts, a crash,
 * a plugin with several workers, a cancelled call, edited manifests, a plugin that is given up and fixed, memory that is
 * short, a program that is killed in the middle of its jobs. Prints to standard output; resolves to the exit status. Rejects with `E_OPTIONS` where there are no documents.
 */
export async function demo({ folder, json, inspect, signal }: DemoOptions): Promise<number> {
  const report = json ? jsonReporter(process.stdout) : terminalReporter(process.stdout);
  const corpus = folder === undefined ? await ownCorpus(PACKAGE) : await corpusOf(folder);
  const { root, files, bytes, leftOut, scanned } = corpus;
  report({ type: 'start', root, files: files.length, bytes, leftOut, scanned }, 0);
  const workshop = openWorkshop(PACKAGE);
  try {
    const stage = await Stage.open({ corpus, workshop, report, inspect, signal });
    const findings = await play(stage);
    if (inspect && !signal.aborted) {
      stage.act('The inspector stays open', 'Look at what crashed, and what was evicted for what. Ctrl-C ends.');
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    }
    return await end(stage, findings, report);
  } finally {
    workshop.remove();
  }
}

/** Plays the acts, as far as they come; the supervisor is stopped if one fails. */
async function play(stage: Stage): Promise<Findings> {
  try {
    await introduce(stage);
    const results = await buildLibrary(stage);
    await useAllCores(stage, results);
    await cancelCall(stage);
    await editManifests(stage);
    await breakManifest(stage);
    await shareMemory(stage);
    await killProgram(stage);
    return await showFindings(stage, results);
  } catch (error) {
    if (stage.signal.aborted) return { hits: 0, groups: 0 };
    await stage.supervisor.stop();
    throw error;
  }
}

async function end(stage: Stage, { hits, groups }: Findings, report: Reporter): Promise<number> {
  const { corpus, workshop, results, timings, missing } = stage;
  const { promise } = stage.supervisor.status().orphanProtection;
  stage.act('The end', `No process, socket or file may be left. Had this program been killed instead: ${promise}`);
  const stoppingAt = stage.now();
  const processes = await stage.close();
  stage.timing('stop of everything', stage.now() - stoppingAt);
  const seconds = stage.now() / 1_000;
  const left = { processes, sockets: workshop.sockets(), files: workshop.remove() };
  const clean = Object.values(left).every((count) => count === 0);
  const status = stage.signal.aborted ? INTERRUPTED : results > 0 && clean ? 0 : 1;
  report(
    {
      type: 'summary',
      status,
      seconds,
      documents: { files: corpus.files.length, bytes: corpus.bytes, leftOut: corpus.leftOut },
      results,
      hits,
      groups,
      missing: [...missing],
      timings,
      left,
    },
    stage.now(),
  );
  return status;
}
