import type { BootPlugin } from '../protocol.ts';
import type { PluginFrame, PluginTool } from './plugin.ts';
import { shapeProblem } from './plugin-shape.ts';
import { explainTypeScript, prepareTypeScript } from './typescript.ts';

const { pathToFileURL } = process.getBuiltinModule('node:url');

/** A plugin of whose types nothing is known; it has an `execute`, tools, or both. */
export type AnyPlugin = PluginFrame<unknown> &
  Pick<PluginTool<unknown, unknown>, 'input' | 'output' | 'execute' | 'stream'> & {
    readonly tools?: Readonly<Record<string, PluginTool<unknown, unknown>>> | undefined;
  };

/**
 * Imports the plugin's module and takes its plugin: the export that `class` names, else the default export, else the one
 * called `plugin`. A class is constructed. Throws what the module throws, or an Error that says what its export lacks.
 */
export async function loadPlugin({ module, class: exportName }: BootPlugin): Promise<AnyPlugin> {
  if (module === undefined) throw new Error('The manifest of a Node plugin must name its "module".');
  await prepareTypeScript(module);
  const exported = await importModule(module);
  const chosen = exportName === undefined ? defaultOf(exported) : exported[exportName];
  if (chosen === undefined) {
    const wanted =
      exportName === undefined ? 'a default export or one named "plugin"' : `an export named "${exportName}"`;
    throw new Error(`${module} has no plugin: it needs ${wanted}.`);
  }
  if (typeof chosen === 'function' && !isConstructor(chosen)) {
    throw new TypeError(`${module} exports a function: export an object with execute(input, ctx), or a class.`);
  }
  const plugin: unknown = typeof chosen === 'function' ? Reflect.construct(chosen, []) : chosen;
  const problem = shapeProblem(plugin);
  if (problem !== undefined) throw new TypeError(`${module} exports no plugin: ${problem}`);
  return plugin as AnyPlugin;
}

async function importModule(module: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(module).href)) as Record<string, unknown>;
  } catch (error) {
    throw explainTypeScript(error, module);
  }
}

/** A CommonJS module that was compiled from an ES module holds its default export one level deeper. */
function defaultOf(exported: Record<string, unknown>): unknown {
  const { default: outer, plugin } = exported;
  if (typeof outer === 'object' && outer !== null && !('execute' in outer) && 'default' in outer) return outer.default;
  return outer ?? plugin;
}

/** Whether `new` may be used with it; arrow functions and asynchronous ones have none. */
function isConstructor(value: object): boolean {
  try {
    Reflect.construct(Object, [], value as new () => object);
    return true;
  } catch {
    return false;
  }
}
