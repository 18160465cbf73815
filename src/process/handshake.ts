import { z } from 'zod';
import { GreenroomError } from '../errors.ts';
import type { Handshake, ProtocolVersion } from '../protocol.ts';
import { zodMessages } from '../text/zod-messages.ts';

const address = z
  .string()
  .regex(/^(unix:.+|tcp:(127\.0\.0\.1|\[::1\]|localhost):\d+)$/, 'must be "unix:/path" or "tcp:127.0.0.1:port"')
  .refine((text) => text.startsWith('unix:') || isPort(text), 'has a port that is not from 1 to 65535');

function isPort(text: string): boolean {
  const port = Number(text.slice(text.lastIndexOf(':') + 1));
  return port >= 1 && port <= 65_535;
}

const schema = z.object({
  greenroom: z.number(),
  nonce: z.string(),
  pid: z.number().int(),
  address,
  control: address.optional(),
  frames: address.optional(),
  sdk: z.string().default('unknown'),
  capabilities: z.array(z.string()).default([]),
  concurrency: z.number().int().positive().default(1),
});

/**
 * Reads a line of a worker's standard output: the handshake, an `E_HANDSHAKE` error where it claims to be one and is
 * not acceptable, or undefined where it is just a line. `offered` are the versions of its boot line.
 */
export function parseHandshake(
  line: string,
  plugin: string,
  nonce: string,
  offered: readonly ProtocolVersion[],
): Handshake | GreenroomError | undefined {
  if (!line.startsWith('{') || !line.includes('"greenroom"')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null || !('greenroom' in value)) return undefined;
  const refuse = (reason: string): GreenroomError =>
    new GreenroomError('E_HANDSHAKE', `The worker of "${plugin}" sent an invalid handshake: ${reason}`, {
      plugin,
      details: { handshake: value },
    });
  const parsed = schema.safeParse(value, { error: zodMessages('field') });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return refuse(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}.`);
  }
  const handshake = parsed.data;
  if (handshake.nonce !== nonce) return refuse('wrong nonce. It must repeat the nonce of its boot line.');
  const version = offered.find((each) => each === handshake.greenroom);
  if (version === undefined) {
    const list = offered.join(' and ');
    return refuse(
      `it chose protocol version ${handshake.greenroom}, but was offered only ${list}. It must choose of those.`,
    );
  }
  if (version > 1 && handshake.frames === undefined) {
    return refuse(
      'frames: missing. With protocol version 2 it must say where it listens for frames, or choose version 1.',
    );
  }
  if (version === 1 && handshake.frames !== undefined) {
    return refuse('frames: unexpected with protocol version 1. It must choose version 2, or leave the address out.');
  }
  return {
    ...handshake,
    greenroom: version,
    control: handshake.control ?? handshake.address,
    capabilities: handshake.capabilities as Handshake['capabilities'],
  };
}
