import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { messageOf } from '../../../src/errors.ts';
import { RedisLink } from '../../../src/jobs/redis/redis-link.ts';
import { failure } from '../../runtime/greenroom.ts';
import { hasRedis, RedisServer } from '../redis-server.ts';

let redis: RedisServer;
const links: RedisLink[] = [];

beforeAll(async () => {
  if (hasRedis) redis = await RedisServer.start();
});

afterAll(async () => {
  if (hasRedis) await redis.remove();
});

afterEach(async () => {
  await Promise.all(links.splice(0).map((link) => link.close()));
});

async function open(): Promise<RedisLink> {
  const link = await RedisLink.open({ url: redis.url });
  links.push(link);
  return link;
}

test.skipIf(!hasRedis)(
  'what was asked when the connection was lost is refused, and takes the next one not along',
  async () => {
    const link = await open();
    const asked = failure(link.send(['BLPOP', 'nothing', 60]));
    await redis.kill();
    await redis.begin();
    const connection = await link.send(['CLIENT', 'ID']);
    expect(await asked).toMatchObject({ code: 'E_JOB_STORE', message: expect.stringContaining('may have been done') });
    expect(await link.send(['CLIENT', 'ID'])).toBe(connection);
  },
);

test.skipIf(!hasRedis)('what cannot be sent as the connection is ending is sent by the next one', async () => {
  const [link, other] = [await open(), await open()];
  const connection = await link.send(['CLIENT', 'ID']);
  await other.send(['CLIENT', 'KILL', 'ID', String(connection)]);
  const answers: unknown[] = [];
  const asked: Promise<unknown>[] = [];
  while (!answers.some((id) => typeof id === 'number' && id !== connection)) {
    const asking = link.send(['CLIENT', 'ID']).catch(messageOf);
    asked.push(asking.then((said) => answers.push(said)));
    await turn();
  }
  await Promise.all(asked);
  expect(answers.filter((said) => String(said).includes('writeable'))).toEqual([]);
});
