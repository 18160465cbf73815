import { GreenroomError } from '../errors.ts';
import type { Supervisor } from '../runtime/supervisor.ts';
import type { Exchange } from '../server/route.ts';
import { CompactService } from './compact-service.ts';
import { FilteredService } from './filtered-service.ts';
import type { FrontService } from './front-service.ts';
import { readView } from './front-view.ts';
import { JoinedService } from './joined-service.ts';
import type { Place } from './legacy-exchanges.ts';
import { PluginService } from './plugin-service.ts';
import { httpRefusal } from './rpc-refusal.ts';
import { ServerNotices } from './server-notices.ts';
import type { FrontTasks } from './tasks/front-tasks.ts';
import type { ToolDirectory } from './tool-directory.ts';

/** What of a request says where it goes. */
type Address = Pick<Exchange, 'request' | 'params' | 'query'>;

/** Finds what a client asks for by its address. */
export class FrontServices {
  readonly #supervisor: Pick<Supervisor, 'plugin'>;
  readonly #directory: ToolDirectory;
  readonly #joined: JoinedService;
  readonly #tasks: FrontTasks | undefined;
  /** What servers tell unasked, on its way to clients. */
  readonly notices = new ServerNotices();

  /** @param version of Greenroom */
  constructor(
    supervisor: Pick<Supervisor, 'plugin'>,
    directory: ToolDirectory,
    version: string,
    tasks: FrontTasks | undefined,
  ) {
    this.#supervisor = supervisor;
    this.#directory = directory;
    this.#tasks = tasks;
    this.#joined = new JoinedService(directory, version, tasks);
  }

  /** Where a request is addressed to. */
  find(exchange: Address): Place {
    return { address: exchange.request.url ?? '', service: () => this.#serviceOf(exchange) };
  }

  #serviceOf({ params, query }: Address): FrontService {
    const name = params['plugin'];
    const { compact, filter } = readView(query);
    let service = name === undefined ? this.#joined : this.#ofPlugin(name);
    if (filter !== undefined) service = new FilteredService(service, filter);
    if (compact) service = new CompactService(service);
    return service;
  }

  #ofPlugin(name: string): FrontService {
    const plugin = this.#directory.find(name);
    if (plugin !== undefined) return new PluginService(this.#directory, plugin, this.notices, this.#tasks);
    try {
      const { enabled } = this.#supervisor.plugin(name).snapshot();
      throw enabled
        ? httpRefusal(404, `"${name}" has no tools: it is a server of HTTP, at /upstream/${encodeURIComponent(name)}/.`)
        : httpRefusal(404, `"${name}" is disabled. Enable it first: greenroom enable ${name}.`);
    } catch (error) {
      if (error instanceof GreenroomError) throw httpRefusal(404, error.message);
      throw error;
    }
  }
}
