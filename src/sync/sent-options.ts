import { isOptions, wrongArgument } from '../argument-checks.ts';
import { type CallOptions, checkCallOptions, type StreamOptions } from '../calls/call-options.ts';
import { GreenroomError } from '../errors.ts';
import type { SupervisorSettings } from '../settings/schema.ts';
import type { SentCallOptions } from './thread-methods.ts';

const FUNCTIONS = 'its supervisor runs in another thread, which functions cannot reach';

/** Why options of `createSupervisor` of `greenroom` are not taken here, and what to do. */
const UNAVAILABLE: Readonly<Record<string, string>> = {
  logger: `${FUNCTIONS}. Leave it out: the supervisor logs to standard error, at logLevel`,
  observer: `${FUNCTIONS}. Leave it out: "inspect" serves the inspector`,
  clock: `${FUNCTIONS}. Leave it out`,
  random: `${FUNCTIONS}. Leave it out`,
  handleSignals: 'no thread gets signals. Leave it out: Ctrl-C ends a blocking call, and exiting stops the supervisor',
  unref: 'its supervisor never keeps the program alive. Leave it out',
};

/** The options for the supervisor's thread. Throws `E_OPTIONS`, naming the option, for what cannot be used there. */
export function sentSettings(options: unknown): SupervisorSettings {
  if (!isOptions(options)) throw wrongArgument('The options of createSupervisor()', 'an object', options);
  const settings: Record<string, unknown> = {};
  for (const [option, value] of Object.entries(options)) {
    if (value === undefined || value === false) {
      settings[option] = value;
      continue;
    }
    const why = UNAVAILABLE[option] ?? (option === 'policy' && typeof value === 'object' ? POLICY : undefined);
    if (why !== undefined) throw unusable(option, why);
    try {
      settings[option] = structuredClone(value);
    } catch (cause) {
      throw unusable(option, `${FUNCTIONS}. Pass plain data`, cause);
    }
  }
  // Else greenroom.json might turn them on.
  return { ...settings, handleSignals: false, unref: false };
}

const POLICY = `${FUNCTIONS}. Name one of the policies, or use "greenroom"`;

function unusable(option: string, why: string, cause?: unknown): GreenroomError {
  return new GreenroomError('E_OPTIONS', `The option "${option}" cannot be used by greenroom/sync: ${why}.`, { cause });
}

/**
 * The options of a call for the supervisor's thread, and what stays here. Throws `E_OPTIONS` for a `signal`, which
 * nothing can abort while the caller waits. The thread checks the rest.
 */
export function sentCallOptions(
  plugin: string,
  options: StreamOptions,
): { readonly sent: SentCallOptions; readonly onProgress: CallOptions['onProgress'] } {
  if (!isOptions(options)) throw wrongArgument(`The options of a call to "${plugin}"`, 'an object', options, plugin);
  const { signal, onProgress, ...rest } = options;
  const given = options instanceof AbortSignal ? options : signal;
  refuseSignal(`a call to "${plugin}"`, given, 'Set timeoutMs instead', plugin);
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw wrongArgument(`The option "onProgress" of a call to "${plugin}"`, 'a function', onProgress, plugin);
  }
  // No other option is an object or a function, and some of these cannot even be given to the thread.
  if (Object.values(rest).some((value) => Object(value) === value)) checkCallOptions(plugin, rest);
  return { sent: { ...rest, progress: onProgress !== undefined }, onProgress };
}

/** Throws `E_OPTIONS` where a signal is given. */
export function refuseSignal(where: string, signal: unknown, instead: string, plugin?: string): void {
  if (signal === undefined) return;
  throw new GreenroomError(
    'E_OPTIONS',
    `The option "signal" of ${where} cannot be used: nothing can abort it while the program waits. ${instead}.`,
    { plugin },
  );
}
