// @ts-check
// Everything Greenroom does is a transition that a program can watch: here, a worker that is killed and comes back.
//   node examples/subscribe.mjs
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createSupervisor } from 'greenroom';

const supervisor = await createSupervisor({
  searchPaths: [fileURLToPath(new URL('plugins', import.meta.url))],
  // The supervisor's own log would say that a worker has crashed, which is what this program is about.
  logLevel: 'error',
});
try {
  // Every state and phase, of every plugin, in order.
  supervisor.on('transition', ({ plugin, from, to, phase, event, reason }) => {
    console.log(`${plugin}: ${from} -> ${to}.${phase} (${event})${reason === undefined ? '' : ` ${reason}`}`);
  });

  // The whole picture, at most once an event-loop turn.
  supervisor.subscribe(({ plugins }) => {
    const loaded = plugins.filter((plugin) => plugin.loaded).map(({ name, state }) => `${name} ${state}`);
    console.log(`loaded: ${loaded.join(', ') || 'none'}`);
  });

  await supervisor.load('hello-node');
  const hello = supervisor.plugin('hello-node');
  const { pid, generation } = hello.snapshot();

  const back = new AbortController();
  const isBack = once(back.signal, 'abort');
  hello.subscribe((now) => {
    if (now.state === 'ready' && now.generation > generation) back.abort();
  });
  if (pid !== undefined) process.kill(pid, 'SIGKILL');
  await isBack;

  console.log(await supervisor.execute('hello-node', { name: 'again' }));
} finally {
  await supervisor.stop();
}
