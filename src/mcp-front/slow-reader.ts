import { isNotification, type JsonRpcMessage } from '../mcp/json-rpc.ts';
import { LOG_NOTICE } from './server-notices.ts';

/** How much a reader is behind, in bytes, when it is no longer sent what it can do without. */
export const MAX_BEHIND = 1024 * 1024;

/** How the progress of a request is told. */
export const PROGRESS = 'notifications/progress';

/**
 * Whether a reader that is behind can do without a message: progress, and logs, of which that of the plugin has all. A client
 * that was suspended would otherwise have the daemon keep them until its memory is full.
 */
export function isDispensable(message: JsonRpcMessage): boolean {
  return isNotification(message) && (message.method === LOG_NOTICE || message.method === PROGRESS);
}
