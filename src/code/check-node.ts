import type { CodeFault } from './code-fault.ts';
import { type CheckProgram, runCheck } from './run-check.ts';

/** How many files are checked at the same time. */
const AT_ONCE = 4;

const TYPESCRIPT = /\.[cm]?ts$/;

/**
 * Checks TypeScript as the worker will read it, which `--check` does not: by the compiler of `tsx` where the plugin has
 * that, else by Node's own stripping of types. Prints a fault as JSON. A Node that can do neither says so at the start.
 */
const CHECK_TYPESCRIPT = `
const { readFileSync } = process.getBuiltinModule('node:fs');
const { createRequire, stripTypeScriptTypes } = process.getBuiltinModule('node:module');
const [file] = process.argv.slice(1);
const tell = (line, text, message) => console.log(JSON.stringify({ file, line, text: text.trim(), message }));
const compiler = () => {
  try { return createRequire(createRequire(file).resolve('tsx'))('esbuild'); } catch {}
};
const source = readFileSync(file, 'utf8');
const esbuild = compiler();
try {
  if (esbuild !== undefined) esbuild.transformSync(source, { loader: 'ts', logLevel: 'silent' });
  else stripTypeScriptTypes?.(source);
} catch (error) {
  const [fault] = error.errors ?? [];
  const [, line, text] = /^[^\\n]*:(\\d+)\\n([^\\n]*)/.exec(error.stack) ?? [];
  if (fault !== undefined) tell(fault.location?.line, fault.location?.lineText ?? '', 'SyntaxError: ' + fault.text);
  else tell(line && Number(line), text ?? '', error.name + ': ' + error.message);
}
`;

/** The first fault that the plugin's Node finds in the syntax of these files; undefined where there is none. */
export async function checkNode(
  program: CheckProgram,
  files: readonly string[],
  signal: AbortSignal,
): Promise<CodeFault | undefined> {
  for (let at = 0; at < files.length; at += AT_ONCE) {
    const group = files.slice(at, at + AT_ONCE);
    const faults = await Promise.all(
      group.map((file) => (TYPESCRIPT.test(file) ? checkTypeScript : checkJavaScript)(program, file, signal)),
    );
    const fault = faults.find((each) => each !== undefined);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

async function checkJavaScript(
  program: CheckProgram,
  file: string,
  signal: AbortSignal,
): Promise<CodeFault | undefined> {
  const output = await runCheck(program, ['--check', file], signal);
  return output === undefined || output.ok ? undefined : faultIn(output.stderr, file);
}

/** A file's fault in what Node prints: the place, the line, a mark below it, the error. Anything else is no fault of it. */
function faultIn(printed: string, file: string): CodeFault | undefined {
  const message = /^SyntaxError.*$/m.exec(printed)?.[0];
  if (message === undefined) return undefined;
  const [, line, text] = /^[^\n]*:(\d+)\n([^\n]*)/m.exec(printed) ?? [];
  return { file, line: line === undefined ? undefined : Number(line), text: text?.trim(), message };
}

async function checkTypeScript(
  program: CheckProgram,
  file: string,
  signal: AbortSignal,
): Promise<CodeFault | undefined> {
  const output = await runCheck(program, ['--no-warnings', '-e', CHECK_TYPESCRIPT, file], signal);
  const printed = output?.stdout.trim() ?? '';
  if (printed === '') return undefined;
  const fault = JSON.parse(printed) as Partial<CodeFault> & { readonly message: string };
  return { file, line: fault.line, text: fault.text, message: fault.message };
}
