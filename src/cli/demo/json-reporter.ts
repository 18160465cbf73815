import { printedJson } from '../../json/printed-json.ts';
import type { Reporter } from './events.ts';

/** Writes every event as a line of JSON, with `at` in milliseconds. */
export function jsonReporter(stream: NodeJS.WriteStream): Reporter {
  return (event, at) => {
    stream.write(`${printedJson({ at: Math.round(at * 10) / 10, ...event })}\n`);
  };
}
