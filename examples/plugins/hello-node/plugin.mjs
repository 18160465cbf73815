// @ts-check
// A Greenroom plugin is a module whose default export is an object. It needs nothing installed; the next line only
// tells editors what the object may hold.

/** @satisfies {import('greenroom/worker').Plugin<{ greeting: string }, { name?: string }>} */
export default {
  name: 'hello-node',
  version: '1.0.0',

  /** One call: `input` is the caller's, the result is anything that JSON can hold. */
  async execute(input, ctx) {
    ctx.progress(0.5, 'thinking of a greeting');
    return { text: `${ctx.config.greeting}, ${input.name ?? 'world'}!` };
  },

  /** One call whose result arrives piece by piece. `ctx.signal` is aborted when the caller cancels. */
  async *stream(input, ctx) {
    for (const word of [ctx.config.greeting, input.name ?? 'world']) {
      if (ctx.signal.aborted) return;
      yield word;
    }
  },

  /** What is called by its name. Callers see the description and the schemas. */
  tools: {
    shout: {
      description: 'Greets loudly.',
      input: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
      output: { type: 'string' },
      execute({ name }, ctx) {
        return `${ctx.config.greeting}, ${String(name)}!`.toUpperCase();
      },
    },
  },

  /** Called before the worker is stopped. */
  async cleanup() {},
};
