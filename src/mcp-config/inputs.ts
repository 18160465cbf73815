import { z } from 'zod';
import type { JsonPath } from '../json/json-text.ts';
import { refusals, zodMessages } from '../text/zod-messages.ts';
import type { Report } from './problem.ts';

const inputSchema = z.looseObject({
  id: z.string().min(1),
  type: z.string().optional(),
  description: z.string().optional(),
  default: z.string().optional(),
  options: z
    .array(z.union([z.string(), z.looseObject({ value: z.string() })]))
    .optional()
    .transform((options) => options?.map((option) => (typeof option === 'string' ? option : option.value))),
});

/** A value that VS Code asks its user for. */
export type Input = z.output<typeof inputSchema>;

/** As many of one file are read: a file of a project is read before anybody has looked at it. */
const MAX_INPUTS = 500;

/** The inputs of a file, by their identifiers. Those that are not valid are reported, and left out. */
export function readInputs(given: unknown, path: JsonPath, report: Report): ReadonlyMap<string, Input> {
  const inputs = new Map<string, Input>();
  if (given === undefined || given === null) return inputs;
  if (!Array.isArray(given)) {
    report('warning', path, 'expected a list of inputs (ignored)');
    return inputs;
  }
  if (given.length > MAX_INPUTS) report('warning', path, `has more than ${MAX_INPUTS} inputs; the others are ignored`);
  for (const [index, each] of given.slice(0, MAX_INPUTS).entries()) {
    const parsed = inputSchema.safeParse(each, { error: zodMessages('key') });
    if (parsed.success) inputs.set(parsed.data.id, parsed.data);
    else
      for (const { path: at, message } of refusals(parsed.error.issues))
        report('warning', [...path, index, ...(at as JsonPath)], `${message} (the input is ignored)`);
  }
  return inputs;
}

/** The environment variable that gives an input its value: `GREENROOM_INPUT_API_KEY` for `api-key`. */
export function inputVariable(id: string): string {
  return `GREENROOM_INPUT_${id.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`;
}

/** Where values of inputs come from, in this order, before their defaults. */
export interface InputSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A value that is kept elsewhere, by the identifier of the input. */
  readonly input?: ((id: string) => string | undefined) | undefined;
}

/** The value of an input, or why there is none. Nobody is asked: the standard streams carry the protocol. */
export function inputValue(
  id: string,
  inputs: ReadonlyMap<string, Input>,
  { env, input: lookup }: InputSources,
): { readonly value: string } | { readonly reason: string } {
  const variable = inputVariable(id);
  const { description, default: fallback, options } = inputs.get(id) ?? {};
  const value = env[variable] ?? lookup?.(id) ?? fallback;
  if (value === undefined) {
    const what = description === undefined ? '' : ` (${description})`;
    return {
      reason: `needs the input "${id}"${what}, which has no value. Set ${variable} in Greenroom's environment.`,
    };
  }
  if (options !== undefined && !options.includes(value)) {
    const known = options.map((option) => JSON.stringify(option)).join(', ');
    return { reason: `the value of the input "${id}" is not one of its options. Set ${variable} to one of ${known}.` };
  }
  return { value };
}
