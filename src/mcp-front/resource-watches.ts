import type { McpRequestOptions } from '../mcp/front-plugin.ts';
import type { JsonObject } from '../mcp/json-rpc.ts';
import type { UpdateListener } from '../mcp/watched-resources.ts';
import { passedOn } from './envelope.ts';
import type { FrontService } from './front-service.ts';
import { invalidParams, unknownMethod } from './rpc-fault.ts';

/** How many resources one client, or one subscription, may watch. */
export const MAX_WATCHED = 1_000;

/** The resources that one client watches, each until it says otherwise or has gone. */
export class ResourceWatches {
  readonly #service: FrontService;
  readonly #tell: UpdateListener;
  readonly #stops = new Map<string, () => void>();
  #isClosed = false;

  constructor(service: FrontService, tell: UpdateListener) {
    this.#service = service;
    this.#tell = tell;
  }

  /** Watches the resource of a `resources/subscribe`. Rejects as the service does, and with −32601 and −32602. */
  async watch(params: JsonObject, options: McpRequestOptions): Promise<JsonObject> {
    const { watch } = this.#service;
    if (watch === undefined) throw unknownMethod('resources/subscribe');
    const uri = uriOf(params);
    if (this.#stops.size >= MAX_WATCHED && !this.#stops.has(uri))
      throw invalidParams(`At most ${MAX_WATCHED} resources can be watched at once.`);
    const stop = await watch({ ...passedOn(params), uri }, (update) => this.#tell(update), options);
    // It may have been watched before.
    this.#stops.get(uri)?.();
    this.#stops.set(uri, stop);
    if (this.#isClosed || options.signal.aborted) this.#stop(uri);
    return {};
  }

  /** Watches the resource of a `resources/unsubscribe` no more. */
  unwatch(params: JsonObject): JsonObject {
    if (this.#service.watch === undefined) throw unknownMethod('resources/unsubscribe');
    this.#stop(uriOf(params));
    return {};
  }

  close(): void {
    this.#isClosed = true;
    for (const uri of [...this.#stops.keys()]) this.#stop(uri);
  }

  #stop(uri: string): void {
    this.#stops.get(uri)?.();
    this.#stops.delete(uri);
  }
}

function uriOf({ uri }: JsonObject): string {
  if (typeof uri !== 'string') throw invalidParams('"uri" is missing: name the resource.');
  return uri;
}
