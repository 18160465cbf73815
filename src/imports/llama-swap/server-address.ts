import { basename } from 'node:path';

/** What of a model says where its server listens. Words and values have `${PORT}` in them. */
export interface Served {
  /** The words of `cmd`. */
  readonly words: readonly string[];
  /** Those of `cmdStop`. */
  readonly stop: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  readonly proxy: string;
}

/** The same with Greenroom's placeholders. */
export type Placed = Omit<Served, 'proxy'> & {
  readonly basePath: string | undefined;
  /** Whether `cmd` has `${PORT}`, and `proxy` the number of another port. */
  readonly isMoved: boolean;
};

/** Where llama-swap sends requests to if a model does not say it. */
export const DEFAULT_PROXY = 'http://localhost:${PORT}';

const AUTOMATIC = '${PORT}';

/** Stands for the automatic port while an address is parsed. */
const STAND_IN = '65535';

const CONTAINER_PROGRAMS = ['docker', 'podman', 'nerdctl'];

/** Options that name the port to listen on. */
const PORT_OPTIONS = ['--port', '-p', '--listen', '--bind', '--publish'];

const CONTAINER_OPTIONS = ['-p', '--publish'];

/** Whether a command starts a container, whose port is not its program's to listen on. */
export function isContainer([command = '']: readonly string[]): boolean {
  return CONTAINER_PROGRAMS.includes(basename(command).replace(/\.exe$/i, ''));
}

/**
 * Puts `{port}` where a model names its port: as `${PORT}`, or as the number that its `proxy` has. Where that cannot be
 * done, says why and what to do.
 */
export function placePort(served: Served): Placed | { readonly problem: string } {
  const { words, stop, variables, proxy } = served;
  const [placeholder] =
    /\{(?:port|socket|host)\}/.exec([...words, ...stop, ...Object.values(variables)].join(' ')) ?? [];
  if (placeholder !== undefined)
    return { problem: `cmd has ${placeholder}, which Greenroom would replace. Write it in another way.` };
  const isAutomatic = proxy.includes(`:${AUTOMATIC}`);
  const filled = proxy.replaceAll(AUTOMATIC, STAND_IN);
  if (!URL.canParse(filled)) return { problem: `proxy is not an address: "${proxy}". Correct it.` };
  const { protocol, hostname, port, pathname, search } = new URL(filled);
  if (!['localhost', '127.0.0.1', '0.0.0.0'].includes(hostname) || protocol !== 'http:')
    return {
      problem: `proxy is ${proxy}, and Greenroom reaches the servers that it starts at http://127.0.0.1 alone. Have it listen there, or start it yourself and write a manifest with "url".`,
    };
  if (search !== '') return { problem: `proxy has a query, "${search}". Leave it out.` };
  const basePath = pathname.replace(/\/+$/, '');
  const isNamed = words.some((word) => word.includes(AUTOMATIC));
  if (isAutomatic && !isNamed)
    return {
      problem: `cmd does not say where the server listens. Add \${PORT} to it, such as --port \${PORT}.`,
    };
  const fixed = isNamed ? served : withPort(served, port === '' ? '80' : port);
  if (fixed === undefined)
    return {
      problem: `Greenroom chooses the port, and where cmd names that of proxy, ${proxy}, is not clear. Use \${PORT} in both.`,
    };
  const fill = (text: string): string => text.replaceAll(AUTOMATIC, '{port}');
  return {
    words: withHost(fixed.words.map(fill)),
    stop: fixed.stop.map(fill),
    variables: Object.fromEntries(Object.entries(fixed.variables).map(([name, value]) => [name, fill(value)])),
    basePath: basePath === '' ? undefined : basePath,
    isMoved: isNamed && !isAutomatic,
  };
}

/** With the number replaced where it is that of the port; undefined where that is not one place. */
function withPort(served: Served, port: string): Served | undefined {
  const { words, stop, variables } = served;
  const number = new RegExp(`(?<=^|[:=/])${port}(?=$|[:/])`);
  const options = isContainer(words) ? CONTAINER_OPTIONS : PORT_OPTIONS;
  const isOption = (word: string, index: number): boolean =>
    options.includes(words[index - 1] ?? '') || options.some((option) => word.startsWith(`${option}=`));
  const named = words.flatMap((word, index) => (number.test(word) ? [index] : []));
  const asOption = named.filter((index) => isOption(words[index] ?? '', index));
  const [place, ...others] = asOption.length > 0 ? asOption : named;
  const replaced = (text: string): string => text.replace(number, AUTOMATIC);
  if (place !== undefined) {
    if (others.length > 0) return undefined;
    return {
      ...served,
      words: words.map((word, index) => (index === place ? replaced(word) : word)),
      stop: stop.map(replaced),
    };
  }
  const entries = Object.entries(variables);
  if (entries.filter(([, value]) => number.test(value)).length !== 1) return undefined;
  return {
    ...served,
    stop: stop.map(replaced),
    variables: Object.fromEntries(entries.map(([name, value]) => [name, replaced(value)])),
  };
}

/** `localhost` may be another address for the server than for Greenroom. */
function withHost(words: readonly string[]): string[] {
  return words.map((word, index) => {
    if (word === 'localhost' && words[index - 1] === '--host') return '{host}';
    return word === '--host=localhost' ? '--host={host}' : word;
  });
}
