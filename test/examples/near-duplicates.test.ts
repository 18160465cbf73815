import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openSupervisor } from '../runtime/greenroom.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples/plugins', import.meta.url));
const NAME = 'near-duplicates';

/** Texts of which some are alike, one is nearly like others, and one is empty. */
function writeTexts(folder: string): string[] {
  const prose = (seed: number): string => Array.from({ length: 300 }, (_, at) => `w${(at * seed) % 997}`).join(' ');
  const texts = [...Array.from({ length: 12 }, (_, index) => prose((index % 5) + 1)), `${prose(3)} the end`, ''];
  return texts.map((text, index) => {
    const path = join(folder, `${index}.txt`);
    writeFileSync(path, text);
    return path;
  });
}

test('calls for the signatures of parts, at once, and one for the groups find what one call for all finds', async () => {
  const { supervisor, scratch } = await openSupervisor({}, { searchPaths: [EXAMPLES] });
  const files = writeTexts(scratch);
  const parts = [files.slice(0, 5), files.slice(5, 9), files.slice(9)];
  const signed = await Promise.all(
    parts.map((part) => supervisor.execute<Uint8Array>(NAME, { files: part }, { tool: 'sign' })),
  );
  const found = await supervisor.execute(NAME, { files, signatures: Buffer.concat(signed) });
  expect(found).toMatchObject({ groups: { length: 5 }, compared: 13, skipped: 1 });
  expect(found).toEqual(await supervisor.execute(NAME, { files }));
});

test('signatures that are not those of the files are refused with the length that they would have', async () => {
  const { supervisor } = await openSupervisor({}, { searchPaths: [EXAMPLES] });
  const call = supervisor.execute(NAME, { files: ['a.txt', 'b.txt'], signatures: Buffer.alloc(512) });
  await expect(call).rejects.toMatchObject({
    code: 'E_REMOTE',
    remote: { message: 'signatures: expected 1024 bytes, for 2 files with 128 hashes of 4 bytes each, got 512.' },
  });
});
