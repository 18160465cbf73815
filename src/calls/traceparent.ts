/** The form of the header `traceparent` of W3C Trace Context: version, trace, parent and flags, in lower-case hexadecimal. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** What is expected of a `traceparent`, for messages. */
export const TRACEPARENT_RULE =
  'a W3C traceparent, for example "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"';

/** Whether the value is a `traceparent` of W3C Trace Context that names a trace and a span. */
export function isTraceparent(value: unknown): value is string {
  return typeof value === 'string' && TRACEPARENT.test(value);
}
