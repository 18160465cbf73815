import type { LogLevel, LogNews, LogPage } from '../../wire-logs.ts';

/** Which lines are asked for; see {@link LogPage}. */
export interface LogQuery {
  /** Undefined: of all plugins. */
  readonly plugin: string | undefined;
  /** What the lines contain; '' for all. */
  readonly text: string;
  readonly level: LogLevel | undefined;
}

/** From where, a place or a time, and which way. */
export interface LogWay {
  readonly to: 'before' | 'after';
  readonly from?: string | undefined;
  readonly at?: number | undefined;
  readonly count?: number | undefined;
}

/** Asks the runtime for lines. Rejects with what it says, or with the signal. */
export async function fetchLogPage(token: string, query: LogQuery, way: LogWay, signal: AbortSignal): Promise<LogPage> {
  const response = await ask('api/logs', token, { ...query, ...way }, signal);
  return (await response.json()) as LogPage;
}

/** What is logged after a place or a time, until the signal aborts. Ends with the runtime; rejects with what it says. */
export async function* followLog(
  token: string,
  query: LogQuery,
  start: Pick<LogWay, 'from' | 'at'>,
  signal: AbortSignal,
): AsyncGenerator<LogNews> {
  const { body } = await ask('api/logs/live', token, { ...query, ...start }, signal);
  if (body === null) return;
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as LogNews;
  }
}

async function ask(
  path: string,
  token: string,
  query: Readonly<Record<string, string | number | undefined>>,
  signal: AbortSignal,
): Promise<Response> {
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') fields.set(name, String(value));
  }
  const response = await fetch(`${path}?${fields.toString()}`, {
    headers: { authorization: `Bearer ${token}` },
    cache: 'no-store',
    signal,
  });
  if (!response.ok) throw new Error((await response.text()).trim());
  return response;
}
