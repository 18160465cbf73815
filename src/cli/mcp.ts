// What bin/greenroom.js runs for `greenroom mcp`. A client has such a process for as long as it lives, so that it reads as
// little as it can: the rest of the command line only where it is needed.
import { parseArgs } from 'node:util';
import { CLIENT_OPTIONS, type ClientValues, serveClient } from './serve-client.ts';

const values = clientValues(process.argv.slice(3));
if (values === undefined) await import('./main.ts');
else {
  try {
    process.exitCode = await serveClient(values);
  } catch (error) {
    const { Terminal } = await import('./terminal/terminal.ts');
    const { reportError } = await import('./report-error.ts');
    process.exitCode = await reportError(error, new Terminal(false));
  }
}

/** What was given, where that is no more than options for a client; all else is told by the command line. */
function clientValues(args: readonly string[]): ClientValues | undefined {
  try {
    return parseArgs({ args, options: CLIENT_OPTIONS, allowPositionals: false }).values;
  } catch {
    return undefined;
  }
}
