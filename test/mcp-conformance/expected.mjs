// @ts-check

const ASKED =
  'Greenroom speaks 2026-07-28 to a server that knows it, where this tool cannot ask: there, servers ask in results.';
const AT_ONCE = 'Answers that come at once are JSON, which the revision leaves to servers.';

/** Of these, those that end as directly where an answer takes longer than a second, and so is a stream. */
export const TIMED = new Set(['server-sse-polling']);

/**
 * Scenarios that end otherwise through Greenroom, and why, by the plugin.
 * @type {Readonly<Record<string, Readonly<Record<string, string>>>>}
 */
export const EXPECTED = {
  modern: {},
  both: {
    'elicitation-sep1034-defaults': ASKED,
    'elicitation-sep1330-enums': ASKED,
    'tools-call-elicitation': ASKED,
    'tools-call-sampling': ASKED,
    'server-sse-multiple-streams': AT_ONCE,
    'server-sse-polling': AT_ONCE,
  },
  sessions: {
    'server-sse-multiple-streams': AT_ONCE,
    'server-sse-polling': AT_ONCE,
  },
};
