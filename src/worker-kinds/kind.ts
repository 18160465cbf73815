import type { EncodedInput, UnsavedInput } from '../channel/encoded-input.ts';
import type { Connection } from '../channel/worker-channel.ts';
import type { CodeFault } from '../code/code-fault.ts';
import type { CheckProgram } from '../code/run-check.ts';
import type { ManifestIssue } from '../manifest/manifest-issue.ts';
import type { ClientSession } from '../mcp/front-plugin.ts';
import type { PackageCommand } from '../packages/package-command.ts';
import type { StartRequest } from '../process/start-request.ts';
import type { WorkerProcess } from '../process/worker-process.ts';
import type { WorkerStart } from '../process/worker-start.ts';
import type { Tool } from '../protocol.ts';
import type { EnvironmentNeed, EnvironmentOwner } from '../python-envs/environment-plan.ts';

/** The fields of a manifest by which kinds of workers differ. */
export interface KindFields {
  readonly module?: string | undefined;
  readonly class?: string | undefined;
  readonly python_path?: string | undefined;
  readonly python?: { readonly requirements: string; readonly version?: string | undefined } | undefined;
  readonly command?: string | undefined;
  readonly args?: readonly string[] | undefined;
  readonly env_vars?: Readonly<Record<string, string | number | boolean>> | undefined;
  readonly url?: string | undefined;
  readonly base_path?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly ready?:
    | 'port'
    | {
        readonly path?: string | undefined;
        readonly status?: number | undefined;
        readonly owner?: boolean | undefined;
      }
    | undefined;
  readonly stop_command?: readonly string[] | undefined;
  readonly liveness?: false | { readonly path?: string | undefined } | undefined;
}

/** What a kind knows of a plugin: the fields of its manifest, and those that name files as absolute paths. */
export interface KindEntry {
  readonly manifest: KindFields;
  readonly resolved: Pick<KindFields, 'module' | 'python_path' | 'command'> & {
    /** The file of `python.requirements`. */
    readonly requirements?: string | undefined;
  };
  /** The folder of the manifest. */
  readonly folder: string;
}

/** What of the supervisor's settings kinds of workers need. */
export interface KindSettings {
  /** The Node that runs Node plugins; `undefined`: the one that runs this program. */
  readonly nodePath?: string | undefined;
}

/** A program to start. */
export interface KindCommand {
  /** Undefined where another program runs the worker: then there is nothing to start. */
  readonly file: string | undefined;
  readonly args: readonly string[];
  /** Variables that the manifest may overrule. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** The environment of Python that has to be there; its interpreter is started in place of the program. */
  readonly environment?: EnvironmentNeed | undefined;
  /** Why there is no such program to start, and what to do then, where that is a matter of settings. */
  readonly problem?: string | undefined;
  readonly advice?: string | undefined;
}

/** A program that must be there, and the manifest's field that names it. */
export interface KindProgram {
  readonly field: 'python_path' | 'command';
  readonly what: string;
  readonly program: string;
}

/** A worker to connect to. */
export interface KindTarget<Start extends WorkerStart = WorkerStart> {
  readonly plugin: string;
  readonly entry: KindEntry;
  readonly process: WorkerProcess;
  /** What the kind has prepared for its start. */
  readonly start: Start;
  /** How many calls the manifest lets it run at once. */
  readonly concurrency: number;
  /** The client of MCP that it was started for, where clients do not share its process. */
  readonly client?: ClientSession | undefined;
}

/** A plugin that `greenroom init` writes: a copy of an example, under a name of its own. */
export interface KindTemplate {
  /** What `--template` calls it. */
  readonly name: string;
  /** What it makes, as the help says it. */
  readonly about: string;
  /** The folder of the example below `examples/`; its last part is the name of the plugin there. */
  readonly example: string;
  /** Its files beside the manifest, and what each is. */
  readonly files: Readonly<Record<string, string>>;
  /** The command that runs its test, in its folder. */
  readonly test: string;
  /** What `greenroom run` takes after its name to try it, and what that does. */
  readonly calls: readonly (readonly [input: string, what: string])[];
  /** In place of calls, the path of a request to try it by. */
  readonly request?: string | undefined;
}

/** How the code of a kind's plugins is followed while it is written. */
export interface KindCode {
  /** How the names of source files end. */
  readonly extensions: readonly string[];
  /**
   * The first fault that can be seen in these files without running them; undefined where there is none. `program` is what
   * a worker would be started with. Never rejects.
   */
  check(program: CheckProgram, files: readonly string[], signal: AbortSignal): Promise<CodeFault | undefined>;
}

/** A kind of worker: all that tells it from the others. `Start` is what it prepares for each start. */
export interface WorkerKind<Start extends WorkerStart = WorkerStart> {
  /** What a manifest calls it. */
  readonly name: string;
  /** The fields that its manifests must have; of a list, one. */
  readonly required: readonly (keyof KindFields | readonly (keyof KindFields)[])[];
  /** Whether a manifest that names no kind is of this one. The kinds are asked one after the other. */
  infers(fields: KindFields): boolean;
  /** The variables of the host program, or patterns of them, that its workers get beside those that all get. */
  readonly passEnv: readonly string[];
  /** What is wrong with a manifest beyond the types of its fields and those that are missing. */
  check?(fields: KindFields & Readonly<Record<string, unknown>>): readonly ManifestIssue[];
  /** How long its start may take where nothing else is set, in milliseconds. */
  readonly startMs: number;
  /** How many calls a worker runs at once where its manifest does not say; 1 where this does not. */
  readonly concurrency?: number | undefined;
  /** Whether its workers are HTTP servers: requests are forwarded to them, and nothing else is called. */
  readonly serves?: boolean | undefined;
  /** False where its workers check what they are given themselves, in words that are for whoever asked them. */
  readonly checksInput?: false | undefined;
  /** Whether its plugins name their parameters as they like, so that they are passed by position. */
  readonly isPositional: boolean;
  /** Prepares a start: how the worker and its host program will find each other. */
  start(request: StartRequest, entry: KindEntry): Start | Promise<Start>;
  /**
   * Writes the input of a call, at the call: there may be no worker yet, and the one that comes may be of another kind,
   * as manifests change. Throws `E_SERIALIZE` where its workers cannot be sent such an input, and `E_UNSUPPORTED` where
   * they cannot be called.
   */
  encode(plugin: string, input: unknown): EncodedInput | UnsavedInput;
  /** The tools of its plugins, where all of them have the same; else their workers are asked. */
  readonly tools?: readonly Tool[] | undefined;
  programs(entry: KindEntry): readonly KindProgram[];
  command(entry: KindEntry, settings: KindSettings): KindCommand;
  /**
   * The package that is to be installed before this program is started, where the program is one that fetches packages. Pure.
   * Undefined where there is nothing to install, and where that cannot be said.
   */
  install?(command: KindCommand): PackageCommand | undefined;
  /**
   * Connects to a worker that was just spawned, and makes sure that it is that one. Rejects with `E_HANDSHAKE` where it
   * is not, and with `E_START` where no connection comes about, which another start may fix.
   */
  connect(target: KindTarget<Start>, signal: AbortSignal): Promise<Connection>;
  /** Undefined where its plugins have no code that is known. */
  readonly code?: KindCode | undefined;
  /** What to do about a worker that ended before it was ready, by what it printed last: a sentence; undefined where that is unknown. */
  advise?(printed: string, entry: KindEntry, owner: EnvironmentOwner): string | undefined;
  /** Whether its plugins may have an environment of Python made for them. */
  readonly hasEnvironment?: boolean | undefined;
  /** None where no new plugin should be of this kind. */
  readonly templates?: readonly KindTemplate[] | undefined;
}
