import { defineCommand, SETTINGS_OPTIONS, settingsOf } from '../command.ts';

/** `greenroom token`: the token by which programs reach the daemon on TCP. */
export const command = defineCommand({
  usage: 'token',
  about:
    'Prints the token that programs send to reach the daemon on TCP, as "Authorization: Bearer TOKEN". It lies in a file\nof the data directory that only you can read. Makes one if there is no such file.',
  options: {
    rotate: { type: 'boolean', help: 'replace it; the former one is refused from the next request on' },
    file: { type: 'boolean', help: 'print the path of the file instead' },
    ...SETTINGS_OPTIONS,
  },
  operands: [0, 0],
  examples: [
    ['curl -H "Authorization: Bearer $(greenroom token)" http://127.0.0.1:8484/api/plugins', 'ask with it'],
    ['greenroom token --rotate', 'after it was seen by somebody else'],
  ],
  statuses: [0, 2, 5],
  async run({ values, terminal }) {
    const { resolveSettings } = await import('../../settings/resolve.ts');
    const { daemonToken, rotateToken, tokenFile } = await import('../../daemon/token-file.ts');
    const { dataDir } = resolveSettings(settingsOf(values));
    const token = values.rotate === true ? rotateToken(dataDir) : daemonToken(dataDir);
    const file = tokenFile(dataDir);
    if (terminal.json) await terminal.printJson({ token, file });
    else await terminal.print(values.file === true ? file : token);
    return 0;
  },
});
