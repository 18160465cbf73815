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
  for (const { plugin, tools } of known) {
    for (const tool of tools) {
      const path = `/api/plugins/${encodeURIComponent(plugin)}/tools/${tool.name}`;
      put(path, 'post', toolOperation(plugin, tool, `#/paths/${path.replaceAll('/', '~1')}/post`));
    }
  }
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

/** @param place the pointer to the operation in the document */
function toolOperation(plugin: string, tool: Tool, place: string): Json {
  const { name, description, input_schema: input = {}, output_schema: output = {} } = tool;
  const content = (schema: Json, where: string): Json => ({
    'application/json': { schema: moved(schema, `${place}/${where}/content/application~1json/schema`) },
  });
  return {
    summary: description ?? `Calls ${name} of ${plugin}.`,
    tags: [plugin],
    requestBody: { content: content(input, 'requestBody') },
    responses: {
      200: { description: 'The result.', content: content(output, 'responses/200') },
      default: PROBLEM,
    },
  };
}

/** What stands in these is data, whatever it looks like. */
const DATA = new Set(['const', 'enum', 'default', 'examples']);

/** A schema whose references to itself hold in a document that has it at this place. */
function moved<Value>(schema: Value, place: string): Value {
  if (typeof schema !== 'object' || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map((each) => moved(each, place)) as Value;
  const fields = Object.entries(schema).map(([name, value]: [string, unknown]) => {
    if (name === '$ref' && typeof value === 'string' && value.startsWith('#'))
      return [name, `${place}${value.slice(1)}`] as const;
    return [name, DATA.has(name) ? value : moved(value, place)] as const;
  });
  return Object.fromEntries(fields) as Value;
}

function parameter(name: string, place: 'path' | 'query', required: boolean, schema: Json): Json {
  const { description, ...rest } = schema;
  return { name, in: place, required, schema: rest, ...(description !== undefined && { description }) };
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}
