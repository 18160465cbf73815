import { type ConfigPath, type Finding, noted } from './finding.ts';
import type { Refuse } from './macros.ts';

/** Stand around the name of a variable while the file is parsed: braces have a meaning of their own in YAML. */
const [OPEN, CLOSE] = ['\uE000', '\uE001'];

const MARK = new RegExp(`${OPEN}(\\w+)${CLOSE}`, 'g');

/** The text of a configuration with each `${env.NAME}` as a mark, which YAML takes for a part of a word. */
export function markVariables(text: string): string {
  return text.replaceAll(/\$\{env\.([a-zA-Z_]\w*)\}/g, `${OPEN}$1${CLOSE}`);
}

/** The name of the variable that a text consists of; undefined where it has more or something else in it. */
export function soleVariable(text: string): string | undefined {
  return new RegExp(`^${MARK.source}$`).exec(text)?.[1];
}

/**
 * Replaces the marks in a configuration by values of the environment, with a finding for each that ends up in a file.
 * Those that set a variable to its own value, as `HF_TOKEN=${env.HF_TOKEN}`, and keys of peers stay. `refuse` is told of a variable that is
 * not set, and throws.
 */
export function fillVariables(
  config: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>>,
  refuse: Refuse,
): { readonly config: Readonly<Record<string, unknown>>; readonly findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const fillText = (text: string, path: ConfigPath): string => {
    const used = new Set<string>();
    const filled = text.replaceAll(MARK, (_, name: string) => {
      used.add(name);
      return (
        env[name] ??
        refuse(path, `the environment variable ${name} is not set. Set it, as for llama-swap, and try again.`)
      );
    });
    if (used.size > 0) findings.push(noted(path, `has the value of ${[...used].join(' and ')} as it is now`));
    return filled;
  };
  const fill = (value: unknown, path: ConfigPath): unknown => {
    if (typeof value === 'string') return isOwn(value, path) || isKey(value, path) ? value : fillText(value, path);
    if (Array.isArray(value)) return value.map((each, index) => fill(each, [...path, index]));
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).map(([key, each]) => [fillText(key, path), fill(each, [...path, key])]);
    return Object.fromEntries(entries) as unknown;
  };
  // What is written of these is what they are used for.
  const { macros, apiKeys, ...others } = config;
  const filled = fill(others, []) as Record<string, unknown>;
  return { config: { macros, apiKeys, ...filled }, findings };
}

/** Whether a text is the key of a peer that a variable has, which is written by its name. */
function isKey(text: string, [section, , key]: ConfigPath): boolean {
  return section === 'peers' && key === 'apiKey' && soleVariable(text) !== undefined;
}

/** Whether an entry of `models.*.env` passes a variable on under its own name. */
function isOwn(entry: string, [section, , key]: ConfigPath): boolean {
  const [name = '', ...value] = entry.split('=');
  return section === 'models' && key === 'env' && soleVariable(value.join('=')) === name;
}
