/**
 * What an event is called outside of the machines, by its type: `release done` and `release failed` for the end of what a
 * machine invokes, `after drain` for a delay that has passed, `start` for a machine's first step; else its type. XState's
 * names for these hold the path of a state, and are its own.
 */
export function eventName(type: string): string {
  // Nearly all: this is asked at every transition.
  if (!type.startsWith('xstate.')) return type;
  const [, kind, id] = /^xstate\.(done|error)\.(?:actor|state)\.(.+)$/.exec(type) ?? [];
  if (kind !== undefined) return `${id} ${kind === 'done' ? 'done' : 'failed'}`;
  const [, delay] = /^xstate\.after\.([^.]+)\./.exec(type) ?? [];
  if (delay !== undefined) return `after ${delay}`;
  return type === 'xstate.init' ? 'start' : type.slice('xstate.'.length);
}
