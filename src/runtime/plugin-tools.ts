import type { CallTools } from '../calls/call-site.ts';
import type { LeaseGate } from '../calls/lease-gate.ts';
import type { Residency } from '../calls/lease-request.ts';
import { withLease } from '../calls/lease-task.ts';
import type { WorkerChannel } from '../channel/worker-channel.ts';
import { GreenroomError } from '../errors.ts';
import { frozen } from '../json/frozen.ts';
import type { ManifestEntry } from '../manifest/read.ts';
import type { ServerDescription } from '../mcp/front-plugin.ts';
import type { JsonObject } from '../mcp/json-rpc.ts';
import { isTaskAlone } from '../mcp/tool-definition.ts';
import { UPDATED, WatchedResources } from '../mcp/watched-resources.ts';
import type { Tool } from '../protocol.ts';
import type { ResultCheck } from '../tools/result-check.ts';
import { identityOf, type ToolCache } from '../tools/tool-cache.ts';
import { ToolChecks } from '../tools/tool-checks.ts';
import { DEFAULT_TOOL } from '../tools/tool-name.ts';
import { unknownTool } from '../tools/unknown-tool.ts';
import { kindOf } from '../worker-kinds/kinds.ts';

/** The end of a worker ends what it is asked. */
const never = new AbortController().signal;

const TOOLS_CHANGED = 'notifications/tools/list_changed';

/** The plugin whose tools they are. */
export interface ToolsOwner {
  readonly plugin: string;
  readonly gate: LeaseGate;
  readonly entry: ManifestEntry;
  /** Whether its worker takes calls. */
  readonly serving: boolean;
}

/** What a worker has said; the generation is 0 where it was a worker of an earlier supervisor. */
interface Said {
  readonly generation: number;
  readonly identity: string;
  readonly tools: readonly Tool[];
  /** What it said of itself, where it is a server of MCP. */
  readonly server?: ServerDescription | undefined;
}

/**
 * What is known of the tools of one plugin. Where the manifest lists them, that is the list, completed by what the
 * worker says of the same tools; else the worker's list is.
 */
export class PluginTools implements CallTools {
  readonly #owner: ToolsOwner;
  readonly #cache: ToolCache;
  readonly #onNotice: (method: string, params: JsonObject) => void;
  readonly #checks: ToolChecks;
  #said: Said | undefined;
  /** The last generation that was asked because one of its tools was called. */
  #learned = 0;
  /** The resources that clients of MCP watch. */
  readonly watched: WatchedResources;
  /** The workers that tell when their tools change. */
  readonly #watched = new WeakSet<WorkerChannel>();

  /**
   * @param onNotice is called with what a server of MCP tells unasked: that its tools have changed, once they are known
   */
  constructor(owner: ToolsOwner, cache: ToolCache, onNotice: (method: string, params: JsonObject) => void = () => {}) {
    this.#onNotice = onNotice;
    this.#owner = owner;
    this.#cache = cache;
    this.#checks = new ToolChecks(owner.plugin);
    this.watched = new WatchedResources(() =>
      owner.gate.serving.map(({ channel }) => channel.mcp).filter((server) => server !== undefined),
    );
  }

  /**
   * The tools, frozen. A worker is started only where neither the manifest nor an answer of before says them.
   *
   * @param refuseStart throws where no worker may be started
   */
  async list(refuseStart: () => void): Promise<readonly Tool[]> {
    const { serving } = this.#owner;
    const declared = this.#declared;
    const said = this.#ofKind ?? (serving ? this.#saidByServing : this.#saidBefore());
    if (said !== undefined || (declared !== undefined && !serving)) return this.#offered(declared, said);
    if (!serving) refuseStart();
    return this.#offered(declared, (serving ? await this.#askServing() : undefined) ?? (await this.#askUnderLease()));
  }

  /** What a server of MCP said of itself; undefined where the worker is none. Starts it where {@link list} would. */
  async server(refuseStart: () => void): Promise<ServerDescription | undefined> {
    await this.list(refuseStart);
    return this.#said?.server;
  }

  /** The same as far as it is known without asking or starting a worker. */
  get knownServer(): ServerDescription | undefined {
    return (this.#saidByServing ?? this.#saidBefore()) && this.#said?.server;
  }

  /** Only what is certain refuses a call: a worker that is yet to start may have other tools than the one before it. */
  refuseUnknown(tool: string): void {
    this.refuseDenied(tool);
    const known = this.#declared ?? this.#ofKind ?? this.#saidByServing;
    if (known === undefined || known.some(({ name }) => name === tool)) return;
    const names = known.map(({ name }) => name).filter((name) => this.#isOffered(name));
    throw unknownTool(this.#owner.plugin, tool, names);
  }

  refuseDenied(tool: string): void {
    if (this.#isOffered(tool)) return;
    const { plugin, entry } = this.#owner;
    const message = `The tool "${tool}" of "${plugin}" is not offered: ${entry.file} leaves it out.`;
    throw new GreenroomError('E_INPUT', message, { plugin, details: { tool } });
  }

  checkedInput(tool: string | undefined, input: unknown): unknown {
    const schema = this.#areChecked ? this.#fieldOf(tool, 'input_schema') : undefined;
    return schema === undefined ? input : this.#checks.input(tool ?? DEFAULT_TOOL, schema, input);
  }

  /** The schema of a tool's input, as far as it is known. */
  inputSchema(tool: string): Tool['input_schema'] {
    return offered(this.#declared, this.#said?.tools).find(({ name }) => name === tool)?.input_schema;
  }

  resultCheck(tool: string | undefined, streams: boolean, isAsked: boolean): ResultCheck | undefined {
    const schema = this.#areChecked ? this.#fieldOf(tool, 'output_schema') : undefined;
    // Called the other way, a tool gives a list of its chunks, or its result as one.
    if (schema === undefined || streams !== (this.#fieldOf(tool, 'streams') ?? false)) return undefined;
    if (!isAsked && !this.#checks.looksAt(schema)) return undefined;
    return this.#checks.results(tool ?? DEFAULT_TOOL, schema, streams);
  }

  /**
   * What is certain of the calls that come now. A plugin that declares no tools gets its calls as ever: what its worker
   * says of its `execute` only describes it.
   */
  #fieldOf<Field extends keyof Tool>(tool: string | undefined, field: Field): Tool[Field] | undefined {
    const declared = this.#declared;
    if (tool === undefined && declared === undefined) return undefined;
    const isIt = ({ name }: Tool): boolean => name === (tool ?? DEFAULT_TOOL);
    const value = declared?.find(isIt)?.[field];
    return value ?? (tool === undefined ? undefined : this.#saidByServing?.find(isIt)?.[field]);
  }

  isIdempotent(tool: string | undefined): boolean | undefined {
    const said = tool === undefined ? undefined : (this.#said?.tools ?? this.#saidBefore());
    const found = offered(this.#declared, said).find(({ name }) => name === (tool ?? DEFAULT_TOOL));
    return found?.read_only === true ? true : found?.idempotent;
  }

  runsAsTask(tool: string): boolean {
    const tools = this.#said?.tools ?? this.#saidBefore();
    const definition = tools?.find(({ name }) => name === tool)?.definition;
    return definition !== undefined && isTaskAlone(definition) && this.#said?.server?.era === 'legacy';
  }

  learn({ channel, generation }: Residency): void {
    // What it tells in the course of this call is not to be missed.
    if (channel.mcp !== undefined) this.#watch(channel, generation);
    if (this.#learned >= generation || this.#said?.generation === generation) return;
    this.#learned = generation;
    // The call goes on all the same, and `list` says what is wrong.
    this.#ask(channel, never, generation).catch(() => {});
  }

  get #declared(): readonly Tool[] | undefined {
    return this.#owner.entry.manifest.tools as readonly Tool[] | undefined;
  }

  #offered(declared: readonly Tool[] | undefined, said: readonly Tool[] | undefined): readonly Tool[] {
    const tools = offered(declared, said);
    return tools.every(({ name }) => this.#isOffered(name))
      ? tools
      : frozen(tools.filter(({ name }) => this.#isOffered(name)));
  }

  #isOffered(tool: string): boolean {
    const { allow_tools: allow, deny_tools: deny } = this.#owner.entry.manifest;
    return (allow === undefined || allow.includes(tool)) && deny?.includes(tool) !== true;
  }

  get #areChecked(): boolean {
    return kindOf(this.#owner.entry.manifest).checksInput !== false;
  }

  /** What all workers of the kind have alike. */
  get #ofKind(): readonly Tool[] | undefined {
    return kindOf(this.#owner.entry.manifest).tools;
  }

  /** What a worker has said that may get a call now. */
  get #saidByServing(): readonly Tool[] | undefined {
    const said = this.#said;
    return this.#owner.gate.serving.some(({ generation }) => generation === said?.generation) ? said?.tools : undefined;
  }

  /** What a worker of before has said, of the same code as far as can be seen. */
  #saidBefore(): readonly Tool[] | undefined {
    const { plugin, entry } = this.#owner;
    const identity = identityOf(entry);
    if (this.#said?.identity === identity) return this.#said.tools;
    const kept = this.#cache.read(entry.copyOf ?? plugin, identity);
    if (kept !== undefined) this.#said = { generation: 0, identity, ...kept };
    return kept?.tools;
  }

  /** Without a lease, for which a long call would have to end. Undefined where the worker has left meanwhile. */
  async #askServing(): Promise<readonly Tool[] | undefined> {
    // The one that came last runs the latest code.
    const residency = this.#owner.gate.serving.at(-1);
    if (residency === undefined) return undefined;
    try {
      return await this.#ask(residency.channel, never, residency.generation);
    } catch (error) {
      if (error instanceof GreenroomError && error.code === 'E_CRASHED') return undefined;
      throw error;
    }
  }

  /** Has the worker started first, as a call does, and keeps it for as long as it takes. */
  #askUnderLease(): Promise<readonly Tool[]> {
    return withLease(this.#owner.gate, (...worker) => this.#ask(...worker));
  }

  async #ask(channel: WorkerChannel, signal: AbortSignal, generation: number): Promise<readonly Tool[]> {
    const { plugin, entry } = this.#owner;
    // As it is now: a file that changes while the worker is asked is not what it says.
    const identity = identityOf(entry);
    const tools =
      channel.tools === undefined
        ? [{ name: DEFAULT_TOOL, streams: channel.stream !== undefined }]
        : await channel.tools(signal);
    this.#watch(channel, generation);
    // An old worker may answer after its replacement.
    if (generation < (this.#said?.generation ?? 0)) return tools;
    const server = channel.mcp?.description;
    this.#said = { generation, identity, tools, server };
    // Copies come and go, and have the tools of their plugin.
    if (entry.copyOf === undefined) this.#cache.write(plugin, identity, { tools, server });
    return tools;
  }

  /** Asks a worker again whenever it says that its tools have changed. */
  #watch(channel: WorkerChannel, generation: number): void {
    if (channel.onToolsChanged === undefined || this.#watched.has(channel)) return;
    this.#watched.add(channel);
    channel.onToolsChanged(() => {
      const told = (): void => this.#onNotice(TOOLS_CHANGED, {});
      void this.#ask(channel, never, generation).then(told, () => {});
    });
    const { mcp } = channel;
    if (mcp === undefined) return;
    mcp.onNotification((method, params) => {
      if (method === UPDATED) this.watched.note(params);
      else if (method !== TOOLS_CHANGED) this.#onNotice(method, params);
    });
    this.watched.begun(mcp);
  }
}

/** The tools that can be called, from those that the manifest declares and those that the worker has said. */
function offered(declared: readonly Tool[] | undefined, said: readonly Tool[] = []): readonly Tool[] {
  const tools = declared?.map((tool) => ({ ...said.find(({ name }) => name === tool.name), ...tool }));
  return frozen(tools ?? said);
}
