import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '../../client/client.ts';
import { messageOf } from '../../errors.ts';
import { workingDirectory } from '../../files/working-directory.ts';
import { type ResolvedSettings, resolveSettings } from '../../settings/resolve.ts';
import { defineCommand, SETTINGS_OPTIONS, settingsOf } from '../command.ts';
import { discoverIn } from '../discovered.ts';
import type { Finding, Level } from '../doctor/check.ts';
import { checkFleet } from '../doctor/fleet.ts';
import { checkJobs } from '../doctor/jobs.ts';
import {
  checkGpus,
  checkMemory,
  checkNode,
  checkOrphans,
  checkPlatform,
  checkProcessGroups,
  checkSockets,
} from '../doctor/machine.ts';
import { checkEnvironments, checkFfmpeg, checkPythons } from '../doctor/programs.ts';
import { checkDataDir, checkManifests, checkMcpConfigs, checkMcpPrograms, checkSearchPaths } from '../doctor/setup.ts';
import { FLEET_VARIABLE } from '../fleet-options.ts';
import { findDaemonClient } from '../open-daemon.ts';
import type { Style } from '../terminal/style.ts';
import { formatTable } from '../terminal/table.ts';
import { textWidth } from '../terminal/text-width.ts';
import { wrapText } from '../terminal/wrap-text.ts';

/** `greenroom doctor`: what of this machine works, found out by trying it. */
export const command = defineCommand({
  usage: 'doctor',
  about: 'Checks this machine by trying what plugins need, and says how to fix each problem.',
  options: SETTINGS_OPTIONS,
  operands: [0, 0],
  examples: [
    ['greenroom doctor', 'run all checks'],
    ['greenroom doctor --json', 'for a bug report'],
  ],
  statuses: [0, 1, 2],
  async run({ values, terminal }) {
    // One that has another interface is told of by the commands that need it.
    const askDaemon = (): Promise<Client | undefined> =>
      findDaemonClient(values, terminal).then(
        ({ client }) => client,
        () => undefined,
      );
    const findings = [...(await checkMachine()), ...(await checkSetup(settingsOf(values), askDaemon))];
    const failed = findings.filter(({ level }) => level === 'fail').length;
    if (terminal.json) await terminal.printJson({ ok: failed === 0, findings });
    else await terminal.print(describe(findings, terminal.out, terminal.columns).join('\n'));
    return failed === 0 ? 0 : 1;
  },
});

async function checkMachine(): Promise<Finding[]> {
  const looked = await Promise.all([checkSockets(), checkProcessGroups(), checkGpus()]);
  const [sockets, groups, gpus] = looked;
  return [checkNode(), checkPlatform(), sockets, groups, checkOrphans(), checkMemory(), gpus];
}

/** With settings that are not valid, the rest of the setup is not known. */
async function checkSetup(
  given: ReturnType<typeof settingsOf>,
  askDaemon: () => Promise<Client | undefined>,
): Promise<Finding[]> {
  const check = 'settings';
  let settings: ResolvedSettings;
  try {
    settings = resolveSettings(given);
  } catch (error) {
    const next = 'Fix greenroom.json in this folder, or the variables GREENROOM_*.';
    return [{ check, level: 'fail', found: messageOf(error), next }];
  }
  const found = existsSync(join(workingDirectory(), 'greenroom.json')) ? 'greenroom.json is valid' : 'the defaults';
  const discovered = await discoverIn(settings);
  const daemon = await askDaemon();
  const [pythons, environments, ffmpeg] = await Promise.all([
    checkPythons(discovered.entries),
    checkEnvironments(discovered.entries, settings),
    checkFfmpeg(),
  ]);
  return [
    ...pythons,
    ...environments,
    ffmpeg,
    { check, level: 'ok', found },
    checkDataDir(settings.dataDir),
    ...(await checkJobs(settings.dataDir, daemon)),
    ...(await checkFleet(process.env[FLEET_VARIABLE], daemon)),
    ...checkSearchPaths(settings, discovered),
    ...checkMcpConfigs(settings.mcpConfigs, discovered),
    ...checkMcpPrograms(discovered),
    ...checkManifests(discovered),
  ];
}

/** The column in which what was found begins: behind the longest name of a check. */
const FOUND_COLUMN = 22;

/** @param columns how wide a line may be; what is longer is broken between words */
function describe(findings: readonly Finding[], style: Style, columns: number): string[] {
  const mark: Readonly<Record<Level, string>> = {
    ok: style.green('ok'),
    warn: style.yellow('warn'),
    fail: style.red('fail'),
  };
  const places = formatTable(findings.map(({ level, check }) => [mark[level], check, '']));
  const lines = findings.flatMap(({ found, next }, index) => {
    const [first = '', ...more] = wrapText(found, columns - FOUND_COLUMN);
    const place = places[index] ?? '';
    const gap = ' '.repeat(Math.max(2, FOUND_COLUMN - textWidth(place)));
    const rest = more.map((line) => ' '.repeat(FOUND_COLUMN) + line);
    const todo = next === undefined ? [] : wrapText(next, columns - 8);
    return [
      `${place}${gap}${first}`,
      ...rest,
      ...todo.map((line, at) => `      ${style.dim(`${at === 0 ? '→' : ' '} ${line}`)}`),
    ];
  });
  const count = (wanted: Level): number => findings.filter(({ level }) => level === wanted).length;
  const failed = count('fail');
  const end =
    failed > 0
      ? style.red(`${failed} ${failed === 1 ? 'check' : 'checks'} failed: plugins may not run here.`)
      : `All that plugins need works${count('warn') > 0 ? '; see the lines marked "warn"' : ''}.`;
  return [...lines, '', end];
}
