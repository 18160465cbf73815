import type { JobAnswer, JobDetails, JobNews, JobRequest, JobRows } from '../../wire-jobs.ts';
import type { JobFilter } from './job-rows.ts';

/** Asks the runtime for a page of jobs. Rejects with what it says, or with the signal. */
export async function fetchJobs(
  token: string,
  { plugin, state, prefix }: JobFilter,
  page: { readonly limit: number; readonly cursor: string | undefined },
  signal: AbortSignal,
): Promise<JobRows> {
  const response = await ask(`api/jobs?${queryOf({ plugin, state, prefix, ...page })}`, token, { signal });
  return (await response.json()) as JobRows;
}

/** Asks for one job. Rejects with what the runtime says. */
export async function fetchJob(token: string, id: string): Promise<JobDetails> {
  const response = await ask(`api/jobs/${encodeURIComponent(id)}`, token);
  return (await response.json()) as JobDetails;
}

/** What becomes of jobs, until the signal aborts. Ends with the runtime; rejects with what it says. */
export async function* followJobs(
  token: string,
  plugin: string | undefined,
  signal: AbortSignal,
): AsyncGenerator<JobNews> {
  const { body } = await ask(`api/jobs/live?${queryOf({ plugin })}`, token, { signal });
  if (body === null) return;
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as JobNews;
  }
}

/** Has the runtime do something with jobs; resolves once it is done. Never rejects: the answer says why it was not. */
export async function actOnJobs(token: string | undefined, request: JobRequest): Promise<JobAnswer> {
  try {
    const response = await fetch('api/jobs', {
      method: 'POST',
      headers: { authorization: `Bearer ${token ?? ''}`, 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
    const text = await response.text();
    if (text.startsWith('{')) return JSON.parse(text) as JobAnswer;
    return { ok: false, message: text.trim() || `The runtime answered with status ${response.status}.` };
  } catch (error) {
    return { ok: false, message: `The runtime could not be reached: ${String(error)}` };
  }
}

async function ask(path: string, token: string, init: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(path, { headers, cache: 'no-store', ...init });
  if (!response.ok) throw new Error((await response.text()).trim());
  return response;
}

function queryOf(query: Readonly<Record<string, string | number | undefined>>): string {
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== '') fields.set(name, String(value));
  return fields.toString();
}
