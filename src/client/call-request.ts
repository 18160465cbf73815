import { PACKED_VALUE, packValue } from '../api/packed-value.ts';
import type { StreamOptions } from '../calls/call-options.ts';
import { GreenroomError, messageOf } from '../errors.ts';
import { JsonLoss } from '../json/exact-json.ts';
import { quoted } from '../text/shown.ts';
import { DEFAULT_TOOL } from '../tools/tool-name.ts';
import type { Request } from './daemon-connection.ts';

/** The media types of an answer: a value, or events of which the last has it. */
export const EVENTS = `text/event-stream, ${PACKED_VALUE}`;

/** A longer name, escaped, is none that a plugin can have; a server finds nothing at it. */
const MAX_ESCAPED_NAME = 2_048;

/** The path of a plugin's part of the interface. Throws `E_UNKNOWN_PLUGIN` for a name that no plugin has, nor any path. */
export function pluginPath(plugin: string, rest = ''): string {
  const escaped = encodeURIComponent(plugin);
  if (/^\.{0,2}$/.test(escaped) || escaped.length > MAX_ESCAPED_NAME)
    throw new GreenroomError(
      'E_UNKNOWN_PLUGIN',
      `There is no plugin ${quoted(plugin)}. Those that there are: plugins() or "greenroom list".`,
      {
        plugin,
        details: { nearest: undefined },
      },
    );
  return `/plugins/${escaped}${rest}`;
}

/** The request of a call, with options that were checked. Throws `E_SERIALIZE` for an input that cannot be sent. */
export function callRequest(plugin: string, input: unknown, options: StreamOptions, stream: boolean): Request {
  const { onProgress, tool = DEFAULT_TOOL, traceparent } = options;
  const { timeoutMs, streamIdleMs, priority, idempotent, validate } = options;
  const query = new URLSearchParams();
  const asked = { stream: stream || undefined, priority, idempotent, validate, streamIdleMs };
  for (const [name, value] of Object.entries(asked)) if (value !== undefined) query.set(name, String(value));
  if (timeoutMs !== undefined && timeoutMs !== Infinity) query.set('timeoutMs', String(timeoutMs));
  return {
    method: 'POST',
    path: pluginPath(plugin, `/tools/${tool}${query.size === 0 ? '' : `?${query.toString()}`}`),
    headers: {
      accept: stream || onProgress !== undefined ? EVENTS : PACKED_VALUE,
      'content-type': PACKED_VALUE,
      ...(traceparent !== undefined && { traceparent }),
    },
    body: packedInput(plugin, input),
  };
}

function packedInput(plugin: string, input: unknown): Buffer {
  try {
    return packValue(input, 'input');
  } catch (error) {
    const what = error instanceof JsonLoss ? error.message : `input cannot be read: ${messageOf(error)}`;
    throw new GreenroomError('E_SERIALIZE', `The input of a call to "${plugin}" cannot be sent: ${what}.`, {
      plugin,
      cause: error,
    });
  }
}
