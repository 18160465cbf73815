const { existsSync } = process.getBuiltinModule('node:fs');
const { createRequire } = process.getBuiltinModule('node:module');
const { basename, dirname } = process.getBuiltinModule('node:path');
const { fileURLToPath, pathToFileURL } = process.getBuiltinModule('node:url');

const TYPESCRIPT = /\.[cm]?ts$/;

/**
 * Makes ready for a module that is TypeScript: where `tsx` is found from its folder, that compiles all that is imported
 * from now on. Else Node removes the types itself, if it is new enough.
 */
export async function prepareTypeScript(module: string): Promise<void> {
  if (!TYPESCRIPT.test(module)) return;
  let tsx: string;
  try {
    tsx = createRequire(module).resolve('tsx');
  } catch {
    return;
  }
  await import(pathToFileURL(tsx).href);
}

/** What the import of a module has failed with, in words that say what to do where TypeScript is the reason. */
export function explainTypeScript(error: unknown, module: string): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error;
  const problem = problemOf(error, error.code, module);
  // Without its cause, which is Node's own code, and the line that a dead worker would be remembered by.
  return problem === undefined ? error : new TypeError(problem);
}

function problemOf({ message, stack = '' }: Error, code: unknown, module: string): string | undefined {
  const orTsx = `or run "npm install tsx" in ${dirname(module)}`;
  switch (code) {
    case 'ERR_UNKNOWN_FILE_EXTENSION': {
      const [, file] = /extension "\.[cm]?ts" for (.+)$/.exec(message) ?? [];
      if (file === undefined) return undefined;
      return `${file} is TypeScript, which Node ${process.version} cannot run. Set nodePath (or GREENROOM_NODE_PATH) to a Node from 22.18 on, ${orTsx}.`;
    }
    case 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX': {
      const [place = module] = stack.split('\n', 1);
      return `${place}: ${message}: Node removes types, and generates no code for them. ${withoutSyntax(message)}, ${orTsx}.`;
    }
    case 'ERR_MODULE_NOT_FOUND': {
      const [, wanted = '', importer = ''] = /^Cannot find module '(.+)' imported from (.+)$/.exec(message) ?? [];
      const source = wanted.replace(/js$/, 'ts');
      if (source === wanted || !existsSync(source)) return undefined;
      const [is, needed] = [basename(source), basename(wanted)];
      return `${importer} imports ${needed}, and only ${is} is there: Node takes the names of files as they are. Import ${is}, with "allowImportingTsExtensions" in tsconfig.json, ${orTsx}.`;
    }
    case 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING': {
      const [, url] = /"(file:[^"]+)"/.exec(message) ?? [];
      const file = url === undefined ? 'A file' : fileURLToPath(url);
      return `${file} is TypeScript in node_modules, which Node does not run. Use a version of that package that is compiled to JavaScript, ${orTsx}.`;
    }
    default:
      return undefined;
  }
}

/** How to write what Node cannot run, by what it calls it. */
function withoutSyntax(message: string): string {
  if (message.includes('enum')) return 'Write the enum as an object, "const Color = { Red: 1 } as const"';
  if (message.includes('parameter property'))
    return 'Declare the property in the class, and assign it in the constructor';
  return 'Write it as JavaScript with types';
}
