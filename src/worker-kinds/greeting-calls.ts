import type { KindTemplate } from './kind.ts';

/** How a plugin is tried that greets by `execute`, by a stream, and by its tool `shout`. */
export const GREETING_CALLS: KindTemplate['calls'] = [
  [`'{"name":"Ada"}'`, 'call it'],
  ['--arg name=Ada --stream', 'stream its results'],
  ['--tool shout --arg name=Ada', 'call its tool "shout"'],
];
