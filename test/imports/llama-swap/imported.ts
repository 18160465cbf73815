import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { pathText } from '../../../src/imports/llama-swap/finding.ts';
import { type Imported, importConfig } from '../../../src/imports/llama-swap/import-config.ts';
import { openYaml } from '../../../src/imports/llama-swap/source.ts';

const FIXTURES = fileURLToPath(new URL('../../fixtures/llama-swap/', import.meta.url));

const readYaml = await openYaml();

/** A file of the fixtures. */
export const fixture = (name: string): string => readFileSync(`${FIXTURES}${name}`, 'utf8');

/** Imports a configuration on Linux, from the folder `/srv/swap`. */
export function importText(text: string, env: Readonly<Record<string, string>> = {}): Imported {
  return importConfig({ text, file: 'config.yaml', folder: '/srv/swap', env, platform: 'linux' }, readYaml);
}

/** What is said of what is not mapped, as "verdict key: what". */
export function remarks({ findings }: Imported): string[] {
  return findings
    .filter(({ verdict }) => verdict !== 'mapped')
    .map(({ verdict, path, what }) => `${verdict} ${pathText(path)}: ${what}`);
}

/** The manifest of the model `a` with these keys, as YAML in braces; and what is said beside it. */
export function modelA(keys: string, top = ''): { manifest: Record<string, unknown> | undefined; remarks: string[] } {
  const imported = importText(`${top}\nmodels:\n  a: { ${keys} }\n`);
  return { manifest: imported.manifests.get('a'), remarks: remarks(imported) };
}
