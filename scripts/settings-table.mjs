// The table of the settings, from their schema and from the comments that the published types have of them.
import { readFileSync } from 'node:fs';
import { VARIABLES } from '../dist/settings/environment.js';
import { settingsShape } from '../dist/settings/schema.js';

const types = readFileSync(new URL('../dist/settings/schema.d.ts', import.meta.url), 'utf8');
const [, shape = ''] = types.split('settingsShape: {\n');

/** A row for every setting, in the order of the schema. */
export function settingsTable() {
  const rows = Object.keys(settingsShape).map((setting) => {
    const { text, standard, see } = commentOf(setting);
    const told = see === undefined ? text : `${text} See ${linksIn(see)}.`;
    return `| \`${setting}\` | ${isJson(standard) ? `\`${standard}\`` : standard} | ${told} | ${variableOf(setting)}|`;
  });
  return ['| option | default | what it is | variable |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

function commentOf(setting) {
  const [, comment] = new RegExp(`/\\*\\*((?:(?!\\*/).)*)\\*/\\s*${setting}:`, 's').exec(shape) ?? [];
  const line = comment
    ?.replaceAll(/\n\s*\*/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
  const { groups } = /^(?<text>.+?) @default (?<standard>.+?)(?: @see (?<see>.+))?$/.exec(line ?? '') ?? {};
  if (groups === undefined)
    throw new Error(`${setting}: its comment in src/settings/schema.ts has no text or no @default`);
  return groups;
}

/** Comments have paths from the root of the package; the table stands in docs/embedding.md. */
const linksIn = (see) => see.replaceAll('](docs/embedding.md#', '](#').replaceAll('](docs/', '](');

function variableOf(setting) {
  const variable = VARIABLES.get(setting);
  if (variable === undefined) return '';
  return variable.form === undefined ? `\`${variable.name}\` ` : `\`${variable.name}\`, ${variable.form} `;
}

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
