// @ts-check
import { Agent, request } from 'node:http';

/** A client of MCP by Streamable HTTP, which does no more than it must. It has a session, of revision 2025-06-18. */
export class Client {
  #agent = new Agent({ keepAlive: true });
  #url;
  /** @type {Record<string, string>} */
  #headers;
  #lastId = 0;
  /** The name of the tool that answers its input. */
  tool = 'echo';

  /** @param {string} url @param {Record<string, string>} headers */
  constructor(url, headers = {}) {
    this.#url = new URL(url);
    this.#headers = { ...headers, 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
  }

  /** Begins a session, and finds the tool. */
  async begin() {
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'bench', version: '1.0.0' } };
    const { headers } = await this.post({ id: 0, method: 'initialize', params });
    const session = headers['mcp-session-id'];
    if (typeof session === 'string') this.#headers['mcp-session-id'] = session;
    this.#headers['mcp-protocol-version'] = '2025-06-18';
    await this.post({ method: 'notifications/initialized' });
    const { tools } = await this.ask('tools/list');
    const found = tools.find((/** @type {{ name: string }} */ { name }) => name.endsWith('echo'));
    if (found === undefined) throw new Error(`no tool to call among ${JSON.stringify(tools)}`);
    this.tool = found.name;
  }

  /** The text that the tool answers. @param {object} input @returns {Promise<string>} */
  async call(input) {
    const { content, isError } = await this.callTool(input);
    if (isError === true) throw new Error(content[0]?.text ?? 'a failure without a word');
    return content[0].text;
  }

  /** @param {object} input @returns {Promise<any>} */
  callTool(input) {
    return this.ask('tools/call', { name: this.tool, arguments: input });
  }

  /** @param {string} method @param {object} params @returns {Promise<any>} */
  async ask(method, params = {}) {
    this.#lastId += 1;
    const { body, status, isStream } = await this.post({ id: this.#lastId, method, params });
    const text = isStream
      ? body
          .split('\n')
          .findLast((line) => line.startsWith('data:'))
          ?.slice(5)
      : body;
    /** @type {any} */
    let answer;
    try {
      answer = JSON.parse(text ?? '');
    } catch {
      throw new Error(`HTTP ${status}: ${body.slice(0, 100)}`);
    }
    if (answer.error !== undefined)
      throw new Error(`${answer.error.code ?? ''} ${answer.error.message ?? answer.error}`);
    if (answer.result === undefined) throw new Error(`HTTP ${status}: ${body.slice(0, 100)}`);
    return answer.result;
  }

  close() {
    this.#agent.destroy();
  }

  /** Sends a message, or anything else that is JSON. @param {object} message @returns {Promise<{ headers: any, body: string, status: number | undefined, isStream: boolean }>} */
  post(message) {
    return new Promise((resolve, reject) => {
      const options = { method: 'POST', agent: this.#agent, headers: this.#headers };
      const sent = request(this.#url, options, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk) => void (body += chunk));
        response.once('error', reject);
        const { headers, statusCode: status } = response;
        const isStream = headers['content-type']?.includes('event-stream') === true;
        response.once('end', () => resolve({ headers, body, status, isStream }));
      });
      sent.once('error', reject);
      sent.end(JSON.stringify({ jsonrpc: '2.0', ...message }));
    });
  }
}

/** A client of the API of mcp-hub, which serves MCP by the older HTTP with SSE alone. */
export class HubClient extends Client {
  /** Waits for the server. */
  async begin() {
    await this.call({ text: 'are you there?' });
  }

  /** @param {object} input @returns {Promise<any>} */
  async callTool(input) {
    const { body, status } = await this.post({ server_name: 'echo', tool: this.tool, arguments: input });
    const answer = JSON.parse(body);
    if (answer.result === undefined) throw new Error(`HTTP ${status}: ${answer.error ?? body.slice(0, 100)}`);
    return answer.result;
  }
}
