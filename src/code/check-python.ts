import type { CodeFault } from './code-fault.ts';
import { type CheckProgram, runCheck } from './run-check.ts';

/**
 * Compiles files without running them, and prints the first fault as JSON. Those that are gone are no fault. What Python has
 * kept of a file is removed: it takes that for the same file if its length and the second of its change are.
 */
const CHECK = `
import json, os, sys, warnings
warnings.simplefilter("ignore")
for path in sys.argv[1:]:
    try:
        with open(path, "rb") as file:
            compile(file.read(), path, "exec", dont_inherit=True)
        folder, name = os.path.split(path)
        os.unlink(os.path.join(folder, "__pycache__", "%s.%s.pyc" % (name[:-3], sys.implementation.cache_tag)))
    except OSError:
        pass
    except SyntaxError as error:
        print(json.dumps({"file": path, "line": error.lineno, "text": (error.text or "").strip(), "message": "%s: %s" % (type(error).__name__, error.msg)}))
        break
    except Exception as error:
        print(json.dumps({"file": path, "message": "%s: %s" % (type(error).__name__, error)}))
        break
`;

/** The first fault that the plugin's interpreter finds in the syntax of these files; undefined where there is none. */
export async function checkPython(
  program: CheckProgram,
  files: readonly string[],
  signal: AbortSignal,
): Promise<CodeFault | undefined> {
  // Apart from the user's variables and packages, which only cost time.
  const output = await runCheck(program, ['-I', '-S', '-c', CHECK, ...files], signal);
  const line = output?.stdout.trim() ?? '';
  if (line === '') return undefined;
  const { file, line: number, text, message } = JSON.parse(line) as Partial<CodeFault> & { readonly message: string };
  return { file: file ?? '', line: number ?? undefined, text, message };
}
