import { homedir } from 'node:os';
import { GreenroomError } from '../errors.ts';
import { workingDirectory } from '../files/working-directory.ts';
import { type ConfigPlaces, configFileAt } from '../mcp-config/config-files.ts';
import { readMcpConfig } from '../mcp-config/read-config.ts';
import { trustStore } from '../mcp-config/trust.ts';
import { resolveSettings } from '../settings/resolve.ts';
import { oneLine } from '../text/printable.ts';
import type { Terminal } from './terminal/terminal.ts';

/** Trusts the configuration of a project, or trusts it no more, and says what that runs. Resolves to the exit status. */
export async function changeTrust(
  action: 'trust' | 'distrust',
  path: string,
  dataDirGiven: string | undefined,
  terminal: Terminal,
): Promise<number> {
  const { userDataDir } = resolveSettings({ dataDir: dataDirGiven });
  const store = trustStore(userDataDir);
  const places: ConfigPlaces = {
    platform: process.platform,
    env: process.env,
    home: homedir(),
    cwd: workingDirectory(),
  };
  const file = configFileAt(path, places);
  if (action === 'distrust') {
    const wasTrusted = store.distrust(file.path);
    if (terminal.json) await terminal.printJson({ file: file.path, wasTrusted });
    else await terminal.print(`${file.path} ${wasTrusted ? 'is trusted no more' : 'was not trusted'}.`);
    return 0;
  }
  const reading = readMcpConfig(file, places);
  // Trust is given to a text. One of which nothing can be read gets another text before it runs anything.
  const whole = reading?.problems.find(({ field, severity }) => field === undefined && severity === 'error');
  if (reading?.content === undefined || (whole !== undefined && reading.servers.length === 0))
    throw new GreenroomError(
      'E_OPTIONS',
      `There is nothing to trust: ${file.path} ${reading === null ? 'does not exist' : (whole?.reason ?? 'cannot be read')}.`,
    );
  const programs = reading.servers.flatMap((server) =>
    server.kind === 'stdio' && !server.disabled ? [{ ...server, program: [server.command, ...server.args] }] : [],
  );
  if (file.scope === 'project') store.trust(reading.content);
  if (terminal.json) {
    const servers = programs.map(({ name, program, cwd, env }) => ({
      name,
      program,
      cwd,
      variables: Object.keys(env),
    }));
    await terminal.printJson({ file: file.path, scope: file.scope, servers, problems: reading.problems });
    return 0;
  }
  await terminal.print(
    file.scope === 'project'
      ? `${file.path} is trusted. It runs:`
      : `${file.path} is your own, and needs no trust. It runs:`,
  );
  for (const { name, program, cwd, env } of programs) {
    const variables = Object.keys(env).map(wordOf);
    await terminal.print(
      `  ${wordOf(name)}: ${program.map(wordOf).join(' ')}, in ${wordOf(cwd)}${variables.length > 0 ? `, with ${variables.join(', ')}` : ''}`,
    );
  }
  if (programs.length === 0) await terminal.print('  nothing');
  for (const { field, reason } of reading.problems)
    terminal.note(
      `${terminal.err.yellow('warning:')} ${oneLine(field === undefined ? reason : `${field}: ${reason}`)}`,
    );
  return 0;
}

/** A word of the file as people are shown it: whole, and on its line, whatever it holds. */
function wordOf(word: string): string {
  return /^[\w@%+=:,.\\/-]+$/.test(word) ? word : oneLine(JSON.stringify(word));
}
