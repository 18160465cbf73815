import { z } from 'zod';
import { ERROR_CODES } from '../errors.ts';
import type { Tool } from '../protocol.ts';
import type { EndpointDescription } from './endpoint.ts';
import { problemSchema } from './schemas.ts';

type Json = Readonly<Record<string, unknown>>;

/** Tools of a plugin, as the document names them. */
export interface KnownTools {
  readonly plugin: string;
  readonly tools: readonly Tool[];
}

/**
 * The OpenAPI 3.1 document of the interface, from the same schemas that check what comes and goes, with a path for each
 * tool that is known now.
 */
export function openApiDocument(
  version: string,
  endpoints: readonly EndpointDescription[],
  known: readonly KnownTools[],
): Json {
  const paths: Record<string, Record<string, Json>> = {};
  const put = (path: string, method: string, operation: Json): void => {
    paths[path] = { ...paths[path], [method.toLowerCase()]: operation };
  };
  for (const each of endpoints) put(`/api${each.path.replaceAll(/:(\w+)/g, '{$1}')}`, each.method, operationOf(each));
  for (const { plugin, tools } of known)
    for (const tool of tools)
      put(`/api/plugins/${encodeURIComponent(plugin)}/tools/${tool.name}`, 'post', toolOperation(plugin, tool));
  return {
    openapi: '3.1.0',
    info: {
      title: 'Greenroom',
      version,
      description: `Errors are problem details (RFC 9457) with a \`code\`:\n\n${Object.entries(ERROR_CODES)
        .map(([code, what]) => `- \`${code}\`: ${what}`)
        .join('\n')}`,
    },
    security: [{ token: [] }],
    paths,
    components: {
      schemas: { Problem: schemaOf(problemSchema, 'output') },
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'On TCP alone; on the socket its mode decides.' },
      },
    },
  };
}

function operationOf({ path, summary, query, body, answer, also = {} }: EndpointDescription): Json {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) =>
    parameter(name, 'path', true, { type: 'string' }),
  );
  const described = query === undefined ? {} : (schemaOf(query, 'input')['properties'] as Record<string, Json>);
  const inQuery = Object.entries(described).map(([name, schema]) => parameter(name, 'query', false, schema));
  const others = Object.entries(also).map(([type, description]) => [type, { schema: { description } }] as const);
  return {
    summary,
    parameters: [...inPath, ...inQuery],
    ...(body !== undefined && {
      requestBody: {
        content: {
          'application/json': { schema: schemaOf(body, 'input') },
          ...Object.fromEntries(others.filter(([type]) => type !== 'text/event-stream')),
        },
      },
    }),
    responses: {
      ...(answer === undefined
        ? { 204: { description: 'Done.' } }
        : {
            200: {
              description: 'Done.',
              content: {
                'application/json': { schema: schemaOf(answer, 'output') },
                ...Object.fromEntries(others.filter(([type]) => type !== 'multipart/form-data')),
              },
            },
          }),
      default: PROBLEM,
    },
  };
}

const PROBLEM = {
  description: 'It failed.',
  content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
};

function toolOperation(plugin: string, { name, description, input_schema, output_schema }: Tool): Json {
  return {
    summary: description ?? `Calls ${name} of ${plugin}.`,
    tags: [plugin],
    requestBody: { content: { 'application/json': { schema: input_schema ?? {} } } },
    responses: {
      200: { description: 'The result.', content: { 'application/json': { schema: output_schema ?? {} } } },
      default: PROBLEM,
    },
  };
}

function parameter(name: string, place: 'path' | 'query', required: boolean, schema: Json): Json {
  const { description, ...rest } = schema;
  return { name, in: place, required, schema: rest, ...(description !== undefined && { description }) };
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}
