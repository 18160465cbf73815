import { z } from 'zod';
import type { PluginSnapshot } from '../runtime/plugin-snapshot.ts';
import type { Supervisor } from '../runtime/supervisor.ts';
import { type Endpoint, type EndpointDescription, jsonEndpoint } from './endpoint.ts';
import {
  configSchema,
  explanationSchema,
  flag,
  jsonSchemaSchema,
  listingSchema,
  manifestSchema,
  pluginSchema,
  pluginsSchema,
  problemsSchema,
  statsSchema,
  toolsSchema,
} from './schemas.ts';

const filter = z.strictObject({
  category: z.string().optional(),
  loaded: flag.optional(),
  state: pluginSchema.shape.state.optional(),
  enabled: flag.optional(),
});

const withConfig = z.strictObject({
  config: z.unknown().optional().describe('The config; by default the one it had.'),
});

/** The endpoints that look at plugins and act on them; all that need no more than a method of the supervisor. */
export function pluginEndpoints(supervisor: Supervisor): Endpoint[] {
  const one = (name: string): PluginSnapshot => supervisor.plugin(name).snapshot();
  /** An endpoint that acts on a plugin and answers with how it stands then. */
  const acting = (act: string, summary: string, perform: (name: string) => unknown): Endpoint =>
    jsonEndpoint(
      { method: 'POST', path: `/plugins/:name/${act}`, summary, body: z.strictObject({}), answer: pluginSchema },
      async ({ name }) => {
        await perform(name);
        return one(name);
      },
    );
  const loading = (act: 'load' | 'reload', summary: string): Endpoint =>
    jsonEndpoint(
      { method: 'POST', path: `/plugins/:name/${act}`, summary, body: withConfig, answer: pluginSchema },
      async ({ name, body: { config }, signal }) => {
        await supervisor[act](name, config === undefined ? { signal } : { config, signal });
        return one(name);
      },
    );
  const looking = (what: string, summary: string, answer: z.ZodType, look: (name: string) => unknown): Endpoint => {
    const description: EndpointDescription = { method: 'GET', path: `/plugins/:name${what}`, summary, answer };
    return jsonEndpoint(description, ({ name }) => look(name));
  };
  return [
    jsonEndpoint(
      {
        method: 'GET',
        path: '/plugins',
        summary: 'All plugins, or some of them.',
        query: filter,
        answer: pluginsSchema,
      },
      ({ query }) => ({ plugins: supervisor.plugins(query) }),
    ),
    jsonEndpoint(
      {
        method: 'POST',
        path: '/discover',
        summary: 'Reads the search paths again.',
        body: z.strictObject({}),
        answer: pluginsSchema,
      },
      async () => ({ plugins: await supervisor.discover() }),
    ),
    jsonEndpoint(
      { method: 'GET', path: '/problems', summary: 'What is wrong with manifests.', answer: problemsSchema },
      () => ({ problems: supervisor.problems() }),
    ),
    jsonEndpoint(
      {
        method: 'GET',
        path: '/manifests',
        summary: 'What the search paths hold: manifests in force, those that they shadow, and what is wrong with any.',
        answer: listingSchema,
      },
      () => supervisor.listing(),
    ),
    looking('', 'One plugin.', pluginSchema, one),
    looking('/manifest', 'Its manifest.', manifestSchema, (name) => ({ manifest: supervisor.plugin(name).info })),
    looking('/tools', 'Its tools. Starts it where they are not known yet.', toolsSchema, async (name) => ({
      tools: await supervisor.tools(name),
    })),
    looking('/stats', 'Processor time and memory of its workers.', statsSchema, (name) => supervisor.stats(name)),
    looking('/explain', 'Why it runs, waits, was refused or was evicted.', explanationSchema, (name) =>
      supervisor.explain(name),
    ),
    looking('/config', 'Its config.', configSchema, async (name) => ({ config: await supervisor.config(name) })),
    looking('/config-schema', 'The JSON Schema of its config, or null.', jsonSchemaSchema, async (name) => ({
      schema: await supervisor.configSchema(name),
    })),
    jsonEndpoint(
      {
        method: 'PUT',
        path: '/plugins/:name/config',
        summary: 'Gives a loaded plugin another config, without a restart.',
        body: z.strictObject({ config: z.unknown() }),
        answer: configSchema,
      },
      async ({ name, body: { config } }) => {
        await supervisor.updateConfig(name, config);
        return { config: await supervisor.config(name) };
      },
    ),
    loading('load', 'Starts it; answers when it is ready.'),
    loading('reload', 'Puts a new worker in the place of the one there is, without a gap.'),
    acting('unload', 'Ends its workers after their calls.', (name) => supervisor.unload(name)),
    acting('release', 'Has it give up its memory once its calls have ended.', (name) => supervisor.release(name)),
    acting('enable', 'Takes calls of it again.', (name) => supervisor.enable(name)),
    acting('disable', 'Refuses calls of it.', (name) => supervisor.disable(name)),
    acting('cancel', 'Cancels its calls, running and waiting.', (name) =>
      supervisor.cancelCalls(name, new Error('The calls were cancelled over HTTP.')),
    ),
  ];
}
