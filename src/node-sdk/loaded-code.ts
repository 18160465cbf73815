import type { LoadedCode } from '../protocol.ts';

const { dirname, sep } = process.getBuiltinModule('node:path');
const { fileURLToPath } = process.getBuiltinModule('node:url');

/** The folder of this program. */
const OWN = dirname(fileURLToPath(import.meta.url)) + sep;
const PACKAGES = `${sep}node_modules${sep}`;

/**
 * The files whose code this thread has loaded, without packages and this program. They are those of V8's scripts, which it
 * tells a debugger that is there for this moment alone: hooks on every import would slow each start, and Node 20 has none
 * in this thread. Empty where Node is built without an inspector.
 */
export function loadedCode(): LoadedCode {
  const files = new Set<string>();
  const inspector = inspectorModule();
  if (inspector === undefined) return { files: [] };
  const session = new inspector.Session();
  session.connect();
  session.on('Debugger.scriptParsed', ({ params: { url } }) => {
    const file = fileOf(url);
    if (file !== undefined && !file.startsWith(OWN) && !file.includes(PACKAGES)) files.add(file);
  });
  // The scripts are told before this returns.
  session.post('Debugger.enable');
  session.disconnect();
  return { files: [...files].toSorted() };
}

/** Read from Node when it is first asked for: it costs 1 ms of a start. */
function inspectorModule() {
  try {
    return process.getBuiltinModule('node:inspector');
  } catch {
    return undefined;
  }
}

/** The file of a script; undefined for one of Node's own, and for code that was made of a text. */
function fileOf(url: string): string | undefined {
  if (!url.startsWith('file:')) return undefined;
  try {
    // What compiles TypeScript adds a query of its own.
    return fileURLToPath(url.replace(/[?#].*$/, ''));
  } catch {
    return undefined;
  }
}
