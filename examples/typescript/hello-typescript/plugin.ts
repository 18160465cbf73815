// A Greenroom plugin is a module whose default export is an object. Node removes the types and runs the rest, and the
// import is of a type alone: to run, the plugin needs nothing installed.
import type { Plugin } from 'greenroom/worker';

/** As `config_schema` of the manifest says. */
export interface Config {
  readonly greeting: string;
}

export interface Input {
  readonly name?: string;
}

export default {
  name: 'hello-typescript',
  version: '1.0.0',

  /** One call: `input` is the caller's, the result is anything that JSON can hold. */
  execute(input, ctx) {
    ctx.progress(0.5, 'thinking of a greeting');
    return { text: `${ctx.config.greeting}, ${input.name ?? 'world'}!` };
  },

  /** One call whose result arrives piece by piece. `ctx.signal` is aborted when the caller cancels. */
  *stream(input, ctx) {
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
  cleanup() {},
} satisfies Plugin<Config, Input>;
