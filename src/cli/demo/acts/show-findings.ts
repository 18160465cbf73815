import type { Duplicates } from '../find-duplicates.ts';
import type { Stage } from '../stage.ts';
import { countOf } from '../words.ts';
import { DUPLICATES, INDEX } from '../workshop.ts';

const HITS_SHOWN = 2;
const PAIRS_SHOWN = 5;

interface Hit {
  readonly rank: number;
  readonly path: string;
  readonly title: string;
  readonly snippet: string;
}

/** What the work was for: hits of searches, and files that are nearly the same. */
export interface Findings {
  readonly hits: number;
  readonly groups: number;
}

/** Searches the library and tells which documents are near-duplicates, of the results of the plugins by name. */
export async function showFindings(stage: Stage, results: ReadonlyMap<string, unknown>): Promise<Findings> {
  stage.act('What the library knows', 'Hits are streamed by the plugin one by one, the best first.');
  const hits = results.has(INDEX) && stage.corpus.queries.length > 0 ? await search(stage) : 0;
  const duplicates = results.get(DUPLICATES) as Duplicates | undefined;
  if (duplicates !== undefined) showPairs(stage, duplicates);
  return { hits, groups: duplicates?.groups.length ?? 0 };
}

async function search(stage: Stage): Promise<number> {
  const { supervisor, signal, corpus } = stage;
  const startedAt = stage.now();
  const found = await Promise.all(
    corpus.queries.map(async (query) => {
      const hits: Hit[] = [];
      for await (const hit of supervisor.stream<Hit>(INDEX, { query, limit: HITS_SHOWN }, { signal })) hits.push(hit);
      return { query, hits };
    }),
  );
  const ms = stage.now() - startedAt;
  const count = found.reduce((total, { hits }) => total + hits.length, 0);
  for (const { query, hits } of found) {
    for (const hit of hits) stage.emit({ type: 'hit', query, ...hit });
  }
  stage.result(
    INDEX,
    'search',
    ms,
    `${countOf(found.length, 'search', 'searches')}, ${countOf(count, 'hit')} streamed`,
    { queries: corpus.queries, hits: count },
  );
  stage.timing(countOf(found.length, 'search', 'searches'), ms, `over ${countOf(corpus.files.length, 'file')}`);
  return count;
}

/** Those that are not wholly the same first: they are harder to find. */
function showPairs(stage: Stage, { groups }: Duplicates): void {
  const pairs = groups.flatMap(({ files: [first, ...others] }) => {
    const best = others.toSorted((a, b) => rank(b.similarity) - rank(a.similarity))[0];
    return first === undefined || best === undefined ? [] : [{ first, best }];
  });
  pairs.sort((a, b) => rank(b.best.similarity) - rank(a.best.similarity));
  for (const { first, best } of pairs.slice(0, PAIRS_SHOWN)) {
    stage.emit({ type: 'pair', similarity: best.similarity, paths: [first.path, best.path] });
  }
}

function rank(similarity: number): number {
  return similarity === 1 ? 0 : similarity;
}
