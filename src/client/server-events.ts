/** One server-sent event. */
export interface ServerEvent {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: string;
}

/** Reads server-sent events from the parts of a text. What an event of our daemon says stands on one line. */
export async function* readEvents(parts: AsyncIterable<string>): AsyncGenerator<ServerEvent, void, undefined> {
  /** The line that has begun, in pieces: of a large value come many. */
  let pieces: string[] = [];
  let id: string | undefined;
  let event = 'message';
  let data: string[] = [];
  for await (const part of parts) {
    let from = 0;
    for (let end = part.indexOf('\n'); end >= 0; end = part.indexOf('\n', from)) {
      const line = [...pieces, part.slice(from, end)].join('').replace(/\r$/, '');
      pieces = [];
      from = end + 1;
      if (line === '') {
        if (data.length > 0) yield { id, event, data: data.join('\n') };
        [id, event, data] = [undefined, 'message', []];
        continue;
      }
      const colon = line.indexOf(':');
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (name === 'id') id = value;
      else if (name === 'event') event = value;
      else if (name === 'data') data.push(value);
    }
    if (from < part.length) pieces.push(part.slice(from));
  }
}
