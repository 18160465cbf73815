// @ts-check
// Greenroom in a script: load a plugin, call it and watch its progress, read a stream, stop.
//   node examples/embed.mjs [folder of texts] [words to find]
import { fileURLToPath } from 'node:url';
import { createSupervisor } from 'greenroom';

/** @typedef {{ indexed: number, unchanged: number }} Indexed */
/** @typedef {{ rank: number, path: string, title: string, snippet: string }} Hit */

const [folder = fileURLToPath(new URL('../docs', import.meta.url)), query = 'worker'] = process.argv.slice(2);

const supervisor = await createSupervisor({
  searchPaths: [fileURLToPath(new URL('plugins', import.meta.url))],
});
try {
  // The first call would load it too; here its worker starts before there is anything to wait for.
  await supervisor.load('library-index');

  const { indexed } = /** @type {Indexed} */ (
    await supervisor.execute(
      'library-index',
      { action: 'index', files: folder },
      { onProgress: ({ progress, message }) => console.error(`${Math.round(progress * 100)}% ${message}`) },
    )
  );
  console.log(`${indexed} files indexed; those with "${query}", best first:`);

  /** @type {AsyncIterable<Hit>} */
  const hits = supervisor.stream('library-index', { action: 'search', query, limit: 5 });
  for await (const { rank, title, snippet } of hits) console.log(`${rank}. ${title}: ${snippet}`);
} finally {
  await supervisor.stop();
}
