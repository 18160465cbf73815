import { BlockList, isIP } from 'node:net';

/** An address to listen on. */
export interface TcpAddress {
  readonly host: string;
  /** 0: any port that is free. */
  readonly port: number;
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/**
 * Reads `127.0.0.1:8484`, `[::1]:8484`, `localhost:8484` or `8484`, which is on 127.0.0.1. Undefined where it is no
 * address: a name of another machine is none, as it may stand for any. Nor is an address with a zone (`%eth0`), which is no
 * name that a client sends.
 */
export function parseAddress(text: string): TcpAddress | undefined {
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\]]+)\]:|([^:]+):)?(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? (plain === undefined || plain === 'localhost' ? '127.0.0.1' : plain);
  const port = Number(digits);
  if (digits === '' || port > 65_535 || host.includes('%') || isIP(host) !== (bracketed === undefined ? 4 : 6))
    return undefined;
  return { host, port };
}

/** Whether only this machine reaches the address. */
export function isLoopback({ host }: TcpAddress): boolean {
  return loopback.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4');
}

/** The address as in a URL. */
export function addressText({ host, port }: TcpAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
