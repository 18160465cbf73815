import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { ConnectPatience } from './connect-patience.ts';

/** As much is read at once, in bytes. */
const READ_BYTES = 64 * 1024;

/** What is heard of a socket. */
export interface SocketEvents {
  /** It is connected; comes once. */
  onOpen(socket: Socket): void;
  /** What has come; it is overwritten afterwards. */
  onData(data: Uint8Array): void;
  /** It broke, or could not be connected; comes once, and last. */
  onBroken(cause: Error): void;
}

/** Opens a socket. Returns how to close it, after which nothing more is heard of it. */
export type OpenSocket = (events: SocketEvents) => () => void;

/** Opens sockets to an address, `unix:/path` or `tcp:host:port`, with {@link ConnectPatience}. */
export function socketsTo(address: string): OpenSocket {
  const where = connectOptions(address);
  return (events) => {
    const patience = new ConnectPatience();
    let socket: Socket;
    let timer: NodeJS.Timeout | undefined;
    let isClosed = false;
    const attempt = (): void => {
      const callback = (count: number, data: Uint8Array): boolean => {
        if (!isClosed) events.onData(count === data.length ? data : data.subarray(0, count));
        return true;
      };
      socket = connect({ ...where, onread: { buffer: Buffer.allocUnsafeSlow(READ_BYTES), callback } });
      let isOpen = false;
      let cause: Error | undefined;
      socket.once('connect', () => {
        isOpen = true;
        events.onOpen(socket);
      });
      socket.on('error', (error) => {
        cause ??= error;
      });
      socket.once('end', () => socket.destroy());
      socket.once('close', () => {
        if (isClosed) return;
        cause ??= new Error('The worker closed the connection.');
        const pause = isOpen ? undefined : patience.pauseAfter(cause);
        if (pause === undefined) events.onBroken(cause);
        else timer = setTimeout(attempt, pause);
      });
    };
    attempt();
    return () => {
      isClosed = true;
      clearTimeout(timer);
      socket.destroy();
    };
  };
}

function connectOptions(address: string): NetConnectOpts {
  if (address.startsWith('unix:')) return { path: address.slice('unix:'.length) };
  const { hostname, port } = new URL(`http://${address.slice('tcp:'.length)}`);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port), noDelay: true };
}
