import { dirname } from 'node:path';
import { FolderChanges } from '../../logs/folder-changes.ts';
import { LOG_LEVELS } from '../../logs/log-line.ts';
import { pluginLogFile } from '../../logs/plugin-log-file.ts';
import { pluginName } from '../../manifest/schema.ts';
import { give, say } from '../../server/answer.ts';
import type { Exchange, Route } from '../../server/route.ts';
import { followLogs } from '../logs/follow-logs.ts';
import { LineFilter } from '../logs/line-filter.ts';
import { type LogCursor, parseCursor } from '../logs/log-cursor.ts';
import { readLogPage } from '../logs/log-page.ts';
import type { Recorded } from '../record/recorded.ts';
import { limitedReaders } from './limited-readers.ts';
import { LineStreams } from './line-streams.ts';

/** How many lines a page has at most. */
const MAX_LINES = 200;

/** Which logs a request is about, and which of their lines. */
interface LogRequest {
  /** Undefined: all plugins. */
  readonly plugin: string | undefined;
  readonly from: LogCursor | undefined;
  readonly filter: LineFilter;
}

/** Shows the logs of the plugins, by pages and as they come. They are read from the files each time, and redacted. */
export class LogsApi {
  readonly routes: readonly Route[];
  readonly #shown: Pick<Recorded, 'records' | 'supervisor'>;
  readonly #redact: (text: string) => string;
  readonly #streams = new LineStreams();
  #dataDir: string | undefined;

  /** @param redact a text without secrets */
  constructor(shown: Pick<Recorded, 'records' | 'supervisor'>, redact: (text: string) => string) {
    this.#shown = shown;
    this.#redact = redact;
    const [pages, live] = [limitedReaders(), limitedReaders()];
    this.routes = [
      pages('/api/logs', (exchange) => this.#givePage(exchange)),
      live('/api/logs/live', (exchange) => this.#follow(exchange)),
    ];
  }

  /** Ends what is followed. */
  finish(): void {
    this.#streams.finish();
  }

  async #givePage(exchange: Exchange): Promise<void> {
    const { query, response } = exchange;
    const request = this.#requestOf(query);
    const [direction, count] = [query.get('to') ?? 'before', Number(query.get('count') ?? MAX_LINES)];
    const isCount = Number.isInteger(count) && count >= 1 && count <= MAX_LINES;
    if (request === undefined || !isCount || (direction !== 'before' && direction !== 'after')) return refuse(exchange);
    const { plugin, filter, from = { at: Number.POSITIVE_INFINITY } } = request;
    const page = await readLogPage({
      plugins: plugin === undefined ? [...this.#shown.records.keys()] : [plugin],
      fileOf: (name) => this.#fileOf(name),
      from,
      direction,
      filter,
      count,
    });
    give(response, 'application/json', JSON.stringify(page));
  }

  async #follow(exchange: Exchange): Promise<void> {
    const request = this.#requestOf(exchange.query);
    if (request === undefined) return refuse(exchange);
    const { plugin, filter, from = { at: 0 } } = request;
    const { records } = this.#shown;
    const plugins = (): Iterable<string> => (plugin === undefined ? records.keys() : [plugin]);
    const fileOf = (name: string): string => this.#fileOf(name);
    return this.#streams.send(exchange, (signal) => {
      const changes = new FolderChanges(dirname(this.#fileOf('any')), signal);
      return followLogs({ plugins, fileOf, from, filter, changes }, signal);
    });
  }

  /** Undefined where the query makes no sense. */
  #requestOf(query: URLSearchParams): LogRequest | undefined {
    const plugin = query.get('plugin') ?? undefined;
    // It becomes the name of a file. A plugin that is gone has its log still.
    if (plugin !== undefined && !pluginName.safeParse(plugin).success) return undefined;
    const [place, at, text] = [query.get('from'), query.get('at'), query.get('text') ?? ''];
    const from =
      place !== null ? parseCursor(place) : at !== null && /^\d{1,15}$/.test(at) ? { at: Number(at) } : undefined;
    if (from === undefined && (place !== null || at !== null)) return undefined;
    const level = LOG_LEVELS.find((each) => each === query.get('level'));
    if (level === undefined && query.has('level')) return undefined;
    return { plugin, from, filter: new LineFilter({ text, level }, this.#redact) };
  }

  #fileOf(plugin: string): string {
    this.#dataDir ??= this.#shown.supervisor.status().dataDir;
    return pluginLogFile(this.#dataDir, plugin);
  }
}

function refuse({ response }: Exchange): void {
  const levels = LOG_LEVELS.join(', ');
  const message =
    `Ask with plugin, from or at, to (before, after), count (1 to ${MAX_LINES}), text, and level (${levels}); ` +
    'each may be left out.';
  say(response, { status: 400, message });
}
