import { delimiter } from 'node:path';
import { z } from 'zod';
import { GreenroomError } from '../errors.ts';

/** The environment variable of a setting. */
export interface Variable {
  /** Default: the name of the setting, as `GREENROOM_POLL_MS` for `pollMs`. */
  readonly name?: string;
  /** What the documentation says about its form, where that is not plain. */
  readonly form?: string;
  /** What its text means. What is not understood is returned as it is, and refused by the schema of the setting. */
  read(text: string): unknown;
}

/** The variables of the settings that have one, by the schema of the setting. */
export const variables = z.registry<Variable>();

/** A text, taken as it is. */
export const TEXT: Variable = { read: String };

/** A number. */
export const NUMBER: Variable = {
  read(text) {
    const number = Number(text);
    return Number.isNaN(number) ? text : number;
  },
};

const SWITCHES: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false };

/** On or off, or a text for something between. */
export const SWITCH: Variable = { read: (text) => SWITCHES[text] ?? text };

/** Folders. */
export const PATHS: Variable = {
  form: 'separated as in `PATH`',
  read: (text) => text.split(delimiter).filter((path) => path !== ''),
};

/** A list of names. */
export const NAMES: Variable = {
  form: 'separated by commas',
  read: (text) => text.split(',').map((name) => name.trim()),
};

/** A capacity. */
export const AMOUNTS: Variable = {
  form: 'as in `ramMb=8000,slots=4,gpus.GPU-8f3c0a1b-…=24000`',
  read(text) {
    const amounts = new Map<string, number>();
    for (const pair of text.split(',')) {
      const [name = '', figure = ''] = pair.split('=').map((part) => part.trim());
      const amount = figure === '' ? Number.NaN : Number(figure);
      if (amounts.has(name)) {
        throw new GreenroomError('E_OPTIONS', `GREENROOM_CAPACITY: "${name}" is given twice; keep one of the two.`);
      }
      amounts.set(name, amount);
    }
    const GPU = 'gpus.';
    const gpus = [...amounts]
      .filter(([name]) => name.startsWith(GPU))
      .map(([name, mb]) => [name.slice(GPU.length), mb]);
    const others = Object.fromEntries([...amounts].filter(([name]) => !name.startsWith(GPU)));
    return gpus.length === 0 ? others : { ...others, gpus: Object.fromEntries(gpus) };
  },
};
