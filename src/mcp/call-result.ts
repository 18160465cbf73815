import { GreenroomError } from '../errors.ts';
import { isObject, type JsonObject, RPC_ERROR } from './json-rpc.ts';
import { RpcFailure } from './rpc-failure.ts';

/**
 * What a program gets for the result of `tools/call`: the structured content where there is some; the text where that is
 * all; else the list of content blocks, in which pictures, sounds and files are bytes.
 */
export function valueOf({ content, structuredContent }: JsonObject): unknown {
  if (structuredContent !== undefined) return structuredContent;
  if (!Array.isArray(content)) return content ?? [];
  const [only, ...others] = content as unknown[];
  if (others.length === 0 && isObject(only) && only['type'] === 'text' && typeof only['text'] === 'string')
    return only['text'];
  return content.map((block) => (isObject(block) ? withBytes(block) : block));
}

function withBytes(block: JsonObject): JsonObject {
  const { type, data, resource } = block;
  if ((type === 'image' || type === 'audio') && typeof data === 'string') return { ...block, data: bytesOf(data) };
  if (type !== 'resource' || !isObject(resource) || typeof resource['blob'] !== 'string') return block;
  return { ...block, resource: { ...resource, blob: bytesOf(resource['blob']) } };
}

function bytesOf(base64: string): Uint8Array {
  return new Uint8Array(Buffer.from(base64, 'base64'));
}

/** The error that a result with `isError` is: its text is what the tool says to whoever called it. */
export function toolError(plugin: string, result: JsonObject): GreenroomError {
  const { content } = result;
  const texts = (Array.isArray(content) ? (content as unknown[]) : [])
    .filter(isObject)
    .map(({ text }) => text)
    .filter((text) => typeof text === 'string');
  const message = texts.join('\n') || 'The tool says that it has failed, and not why.';
  return new GreenroomError('E_REMOTE', `"${plugin}" raised ToolError: ${message}`, {
    plugin,
    remote: { type: 'ToolError', message, category: 'fatal', retryable: false, details: result },
  });
}

/** The error that an answer of the protocol is. */
export function protocolFailure(plugin: string, { code, message, data }: RpcFailure): GreenroomError {
  return new GreenroomError('E_REMOTE', `"${plugin}" answered with error ${code}: ${message}`, {
    plugin,
    remote: {
      type: 'JsonRpcError',
      message,
      category: code === RPC_ERROR.invalidParams ? 'input' : 'fatal',
      retryable: false,
      details: { code, message, ...(data !== undefined && { data }) },
    },
  });
}

/** The answer of the protocol that an error was made of by {@link protocolFailure}; undefined where it was not. */
export function failureIn({ remote }: GreenroomError): RpcFailure | undefined {
  if (remote?.type !== 'JsonRpcError' || !isObject(remote.details)) return undefined;
  const { code, message, data } = remote.details;
  return typeof code === 'number' ? new RpcFailure(code, String(message), data) : undefined;
}
