import { isObject } from '../json-schema/schema.ts';

/** What pino calls its levels. */
const LEVELS: Readonly<Record<string, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warning',
  50: 'error',
  60: 'fatal',
};

/** Fields that are said otherwise, or say nothing to people. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  ...['level', 'time', 'pid', 'hostname', 'name', 'msg', 'plugin', 'reason', 'err'],
  ...['phase', 'severity'],
]);

/**
 * A line of the supervisor's log for people: `14:03:22 warning: "voice": plugin crashed: The worker of …`, with the
 * details that its message does not say behind it. A line that is not pino's stays as it is.
 */
export function readableLine(line: string): string {
  const fields = fieldsOf(line);
  if (fields === undefined) return line;
  const { level, time, msg, plugin, reason, err } = fields;
  const message = textOf(msg);
  const name = textOf(plugin);
  const why = textOf(reason ?? (isObject(err) ? err['message'] : undefined));
  const about = name === '' || message.includes(`"${name}"`) ? '' : `"${name}": `;
  const because = message.includes(why) ? '' : `: ${why}`;
  const rest = Object.entries(fields).filter(
    ([field, value]) => !OWN_FIELDS.has(field) && !message.includes(textOf(value)),
  );
  const details = rest.length === 0 ? '' : ` ${JSON.stringify(Object.fromEntries(rest))}`;
  const clock = new Date(Number(time)).toTimeString().slice(0, 8);
  return `${clock} ${LEVELS[textOf(level)] ?? textOf(level)}: ${about}${message}${because}${details}\n`;
}

function fieldsOf(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const fields: unknown = JSON.parse(line);
    return isObject(fields) && 'level' in fields && 'time' in fields ? fields : undefined;
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
