import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CancelOutcome, Health } from '../protocol.ts';
import type { CallEntry, CallTable } from './call-table.ts';
import { describeError } from './describe-error.ts';
import { readBody, requestError, sendError, sendJson } from './http-answers.ts';
import { parse, stringify } from './originals.ts';

/** What {@link createControlAnswers} needs. */
export interface ControlSettings {
  readonly health: Health;
  readonly calls: CallTable;
  /** Told of every call that was marked as cancelled. */
  readonly onCancel: (entry: CallEntry) => void;
}

/** Answers `GET /health` and `POST /cancel`; false, and nothing done, for any other request. Runs in both threads. */
export function createControlAnswers({ health, calls, onCancel }: ControlSettings) {
  const healthJson = stringify(health);

  async function cancel(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = callOf(await readBody(request));
    if (call === undefined) {
      sendError(response, requestError('BadRequest', 'The body of /cancel must be {"call": …}.'));
      return;
    }
    const entries = calls.cancel(call);
    for (const entry of entries) onCancel(entry);
    const outcome: CancelOutcome = entries.length === 0 ? 'unknown' : 'requested';
    sendJson(response, 200, stringify({ outcome }));
  }

  return (request: IncomingMessage, response: ServerResponse): boolean => {
    if (request.url === '/health' && request.method === 'GET') {
      sendJson(response, 200, healthJson);
      return true;
    }
    if (request.url === '/cancel' && request.method === 'POST') {
      cancel(request, response).catch((error: unknown) => sendError(response, describeError(error)));
      return true;
    }
    return false;
  };
}

function callOf(body: string): string | undefined {
  try {
    const parsed: unknown = parse(body);
    if (typeof parsed !== 'object' || parsed === null || !('call' in parsed)) return undefined;
    return typeof parsed.call === 'string' ? parsed.call : undefined;
  } catch {
    return undefined;
  }
}
