// @ts-check
/**
 * Keeps notes as text files in a folder: a Greenroom plugin in JavaScript that is called for its tools, each of which
 * says what it takes and whether it changes anything.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { definePlugin, PluginError } from 'greenroom/worker';

/** @typedef {import('greenroom/worker').CallContext<{ folder: string }>} Context */

const ENDING = '.md';
/** The longest name of a file that common file systems take, in bytes. */
const LONGEST_NAME = 255;

const TITLE = { type: 'string', minLength: 1, description: 'The title of the note' };
const NOTE = {
  type: 'object',
  properties: { title: TITLE, text: { type: 'string', description: 'What it says' } },
  required: ['title', 'text'],
  additionalProperties: false,
};
const ONE_TITLE = { type: 'object', properties: { title: TITLE }, required: ['title'], additionalProperties: false };

export default definePlugin({
  name: 'notes',
  version: '1.0.0',

  tools: {
    write: {
      description: 'Writes a note, in place of the one with this title if there is one',
      idempotent: true,
      destructive: true,
      input: NOTE,
      /** @param {{ title: string, text: string }} input @param {Context} ctx */
      async execute({ title, text }, { config }) {
        const path = pathOf(title, config.folder);
        await mkdir(config.folder, { recursive: true });
        await writeFile(path, text);
        return { path };
      },
    },

    read: {
      description: 'Reads the note with this title',
      readOnly: true,
      input: ONE_TITLE,
      output: NOTE,
      /** @param {{ title: string }} input @param {Context} ctx */
      async execute({ title }, { config }) {
        try {
          return { title, text: await readFile(pathOf(title, config.folder), 'utf8') };
        } catch (error) {
          throw isMissing(error) ? missing(title) : error;
        }
      },
    },

    search: {
      description: 'Finds the notes that hold this text, in any case; all notes where it is empty',
      readOnly: true,
      input: {
        type: 'object',
        properties: { text: { type: 'string', description: 'What to look for', default: '' } },
        additionalProperties: false,
      },
      output: NOTE,
      /** @param {{ text?: string }} input @param {Context} ctx */
      async *stream({ text = '' }, { config, signal }) {
        const wanted = text.toLowerCase();
        for (const title of await titlesIn(config.folder)) {
          signal.throwIfAborted();
          const found = await readFile(pathOf(title, config.folder), 'utf8');
          if (`${title}\n${found}`.toLowerCase().includes(wanted)) yield { title, text: found };
        }
      },
    },

    remove: {
      description: 'Removes the note with this title',
      destructive: true,
      input: ONE_TITLE,
      /** @param {{ title: string }} input @param {Context} ctx */
      async execute({ title }, { config }) {
        try {
          await rm(pathOf(title, config.folder));
        } catch (error) {
          throw isMissing(error) ? missing(title) : error;
        }
        return null;
      },
    },
  },
});

/**
 * The file of a note. A title may hold any text: what could lead out of the folder is written by its number.
 * @param {string} title
 * @param {string} folder
 */
function pathOf(title, folder) {
  const name = title.isWellFormed() ? encodeURIComponent(title) : '';
  if (name !== '' && name.length + ENDING.length <= LONGEST_NAME) return join(folder, name + ENDING);
  throw new PluginError(`No file can be named after the title ${JSON.stringify(title)}.`, { category: 'input' });
}

/**
 * The titles of all notes, sorted; none where the folder is missing.
 * @param {string} folder
 */
async function titlesIn(folder) {
  try {
    return (await readdir(folder)).flatMap(titleOf).toSorted();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/**
 * The title that a file is named after; none where it is no note of ours.
 * @param {string} name
 */
function titleOf(name) {
  if (!name.endsWith(ENDING)) return [];
  try {
    const title = decodeURIComponent(name.slice(0, -ENDING.length));
    return encodeURIComponent(title) + ENDING === name ? [title] : [];
  } catch {
    return [];
  }
}

/** @param {unknown} error */
function isMissing(error) {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** @param {string} title */
function missing(title) {
  return new PluginError(`There is no note "${title}".`, { category: 'input', details: { title } });
}
