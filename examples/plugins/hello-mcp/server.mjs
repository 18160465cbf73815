// A server of MCP reads requests from its standard input and writes answers to its standard output, one JSON object a
// line. Anything else that it has to say goes to standard error. This is all of it for tools, with no SDK.
import { createInterface } from 'node:readline';

const { GREETING = 'Hello' } = process.env;
const REVISIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];

const tools = {
  greet: {
    definition: {
      description: 'Greets by name.',
      inputSchema: { type: 'object', properties: { name: { type: 'string' } }, additionalProperties: false },
      annotations: { readOnlyHint: true },
    },
    call({ name = 'world' }) {
      if (typeof name !== 'string') throw new TypeError('"name" must be a string.');
      return `${GREETING}, ${name}!`;
    },
  },
};

/** What each request is answered with, by its method. */
const methods = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion: REVISIONS.includes(protocolVersion) ? protocolVersion : REVISIONS[0],
    capabilities: { tools: {} },
    serverInfo: { name: 'hello-mcp', version: '1.0.0' },
  }),
  ping: () => ({}),
  'tools/list': () => ({
    tools: Object.entries(tools).map(([name, { definition }]) => ({ name, ...definition })),
  }),
  'tools/call': ({ name, arguments: given = {} }) => {
    if (!Object.hasOwn(tools, name)) throw new RpcError(-32602, `There is no tool "${name}".`);
    try {
      return { content: [{ type: 'text', text: tools[name].call(given) }] };
    } catch (error) {
      // A model reads this, and may call again with better arguments.
      return { content: [{ type: 'text', text: error.message }], isError: true };
    }
  },
};

class RpcError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

// The server ends with its input.
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params = {} } = JSON.parse(line);
  // What has no identifier is a notification, which is not answered.
  if (id !== undefined)
    process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...answerTo(method, params) })}\n`);
}

function answerTo(method, params) {
  try {
    if (!Object.hasOwn(methods, method)) throw new RpcError(-32601, `There is no method "${method}".`);
    return { result: methods[method](params) };
  } catch ({ code = -32603, message }) {
    return { error: { code, message } };
  }
}
