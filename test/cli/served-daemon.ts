import { fetchText } from '../server/served.ts';
import { type Running, start } from './command-line.ts';

/** The line that `greenroom serve --json` prints when it takes requests. */
export interface Started {
  readonly socket: string;
  readonly url?: string;
  readonly inspector?: string;
  readonly dataDir: string;
  readonly plugins: readonly string[];
}

/** A daemon that takes requests. */
export interface Served extends Running {
  readonly started: Started;
  readonly pid: number;
  /** Asks on its socket. A body is JSON. */
  ask(path: string, given?: { method?: string; body?: string }): ReturnType<typeof fetchText>;
}

/** Starts a daemon in the test's folder, and resolves once it takes requests. */
export async function serve(args: readonly string[] = [], env?: Readonly<Record<string, string>>): Promise<Served> {
  const running = start(['serve', '--json', ...args], { env });
  const started = await new Promise<Started>((resolve, reject) => {
    let text = '';
    running.child.stdout?.on('data', (data: Buffer) => {
      text += data.toString();
      if (text.includes('\n')) resolve(JSON.parse(text.slice(0, text.indexOf('\n'))) as Started);
    });
    void running.ended.then((how) => reject(new Error(`It has ended: ${JSON.stringify(how)}`)));
  });
  const ask: Served['ask'] = (path, { method = 'GET', body } = {}) => {
    const headers: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    return fetchText({ socketPath: started.socket }, path, { method, headers, ...(body !== undefined && { body }) });
  };
  return { ...running, started, pid: running.child.pid as number, ask };
}
