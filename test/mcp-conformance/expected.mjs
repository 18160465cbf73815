// @ts-check

const ASKED =
  'What a server asks a client that has a session is refused: nothing says yet which client it is meant for.';
const WATCHED = 'Single resources are not watched for clients.';

/**
 * Scenarios that end otherwise through Greenroom, and why, by the revision.
 * @type {Readonly<Record<string, Readonly<Record<string, string>>>>}
 */
export const EXPECTED = {
  '2026-07-28': {},
  '2025-11-25': {
    'elicitation-sep1034-defaults': ASKED,
    'elicitation-sep1330-enums': ASKED,
    'tools-call-elicitation': ASKED,
    'tools-call-sampling': ASKED,
    'resources-subscribe': WATCHED,
    'resources-unsubscribe': WATCHED,
    'server-sse-multiple-streams': 'Answers that come at once are JSON, which the revision leaves to servers.',
    'server-sse-polling': 'The same; a stream that breaks is not resumed, which it leaves to servers, too.',
  },
};
