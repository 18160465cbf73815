import type { Tool } from '../../protocol.ts';
import type { Direction } from './schema-for-types.ts';
import { ROOT_TYPE, type SchemaTypes } from './schema-types.ts';
import { UniqueNames } from './unique-names.ts';

/** How every file of declarations begins, by which it is known as one that may be written again. */
export const HEADER =
  '// Written by `greenroom types`, from the tools of the plugins. Do not edit: run it again when they change.\n';

/** A plugin to declare. */
export interface DeclaredPlugin {
  readonly name: string;
  readonly description?: string | undefined;
  /** Its tools; undefined where they are not known. */
  readonly tools: readonly Tool[] | undefined;
}

/** A schema of which no type could be made. */
export interface TypeProblem {
  readonly plugin: string;
  readonly tool: string;
  readonly field: `${Direction}_schema`;
  readonly reason: string;
}

/** A file of declarations, and what is `unknown` in it because its schema cannot be read. */
export interface Declarations {
  readonly text: string;
  readonly problems: readonly TypeProblem[];
}

/** Declares the tools of plugins for TypeScript. The same plugins give the same text, in whatever order. */
export async function declarationsOf(plugins: readonly DeclaredPlugin[], types: SchemaTypes): Promise<Declarations> {
  const writer = new Writer(types);
  for (const plugin of sorted(plugins)) await writer.add(plugin);
  return { text: writer.text(), problems: writer.problems };
}

class Writer {
  readonly problems: TypeProblem[] = [];
  readonly #types: SchemaTypes;
  readonly #names = new UniqueNames();
  readonly #plugins: string[] = [];
  readonly #namespaces: string[] = [];

  constructor(types: SchemaTypes) {
    this.#types = types;
  }

  async add({ name, description, tools }: DeclaredPlugin): Promise<void> {
    this.#plugins.push(...comment(description, '    '));
    if (tools === undefined) {
      this.#plugins.push(`    ${JSON.stringify(name)}: { ${UNKNOWN_TOOLS} };`);
      return;
    }
    this.#plugins.push(`    ${JSON.stringify(name)}: {`);
    const namespace = this.#names.of(name);
    const names = new UniqueNames();
    for (const tool of sorted(tools)) {
      const place = `${namespace}.${names.of(tool.name)}`;
      const input = await this.#typeOf(name, tool, 'input', place);
      const output = await this.#typeOf(name, tool, 'output', place);
      const streams = tool.streams === true;
      this.#plugins.push(
        ...comment(tool.description, '      '),
        `      ${JSON.stringify(tool.name)}: { input: ${input}; output: ${output}; streams: ${streams} };`,
      );
    }
    this.#plugins.push('    };');
  }

  text(): string {
    const plugins = ["declare module 'greenroom' {", '  interface Plugins {', ...this.#plugins, '  }', '}'];
    // An export makes it a module: else it would declare all of `greenroom`, not add to it.
    return [HEADER, ...plugins, '', ...this.#namespaces, 'export {};', ''].join('\n');
  }

  /** The type of a tool's input or output, declared in a namespace of its own: two schemas may have a name in common. */
  async #typeOf(plugin: string, tool: Tool, direction: Direction, place: string): Promise<string> {
    const field = `${direction}_schema` as const;
    const schema = tool[field];
    if (schema === undefined) return 'unknown';
    try {
      const declared = await this.#types(schema, direction);
      const namespace = `${place}.${direction === 'input' ? 'Input' : 'Output'}`;
      this.#namespaces.push(`declare namespace ${namespace} {`, ...indented(declared), '}', '');
      return `${namespace}.${ROOT_TYPE}`;
    } catch (error) {
      const reason = error instanceof Error && error.message !== '' ? error.message : 'it cannot be read';
      this.problems.push({ plugin, tool: tool.name, field, reason });
      return 'unknown';
    }
  }
}

/** Whatever is called of a plugin whose tools are not known is right. */
const UNKNOWN_TOOLS = '[tool: string]: { input: unknown; output: unknown; streams: boolean }';

function sorted<Named extends { readonly name: string }>(list: readonly Named[]): readonly Named[] {
  return list.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function comment(text: string | undefined, indent: string): string[] {
  const lines = (text ?? '')
    .replaceAll('*/', '*\\/')
    .trim()
    .split(/\s*[\n\r\u2028\u2029]+/);
  if (lines[0] === '') return [];
  if (lines.length === 1) return [`${indent}/** ${lines[0]} */`];
  return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`.trimEnd()), `${indent} */`];
}

function indented(text: string): string[] {
  return text
    .trim()
    .split('\n')
    .map((line) => (line === '' ? '' : `  ${line}`));
}
