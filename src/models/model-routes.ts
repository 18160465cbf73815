/** What programs ask a server of models for, and how. The lists are those of llama-swap. */

/** The paths of requests that bring their model in a body, in JSON or as a form. */
export const POST_PATHS = [
  '/v1/chat/completions',
  '/v1/completions',
  '/v1/responses',
  '/v1/embeddings',
  '/v1/rerank',
  '/v1/reranking',
  '/v1/audio/speech',
  '/v1/audio/transcriptions',
  '/v1/audio/translations',
  '/v1/audio/voices',
  '/v1/images/generations',
  '/v1/images/edits',
  '/v1/messages',
  '/v1/messages/count_tokens',
  '/completion',
  '/infill',
  '/rerank',
  '/reranking',
  '/sdapi/v1/txt2img',
  '/sdapi/v1/img2img',
] as const;

/** The paths of requests that bring their model in the query. */
export const GET_PATHS = ['/v1/audio/voices', '/sdapi/v1/loras'] as const;

/**
 * For servers whose paths have no version, or one of their own: `/v` comes before them, and is taken off on the way. A
 * client whose base URL ends in `/v` asks for these.
 */
export const VERSIONLESS_PATHS = [
  '/chat/completions',
  '/completions',
  '/responses',
  '/embeddings',
  '/rerank',
  '/reranking',
  '/messages',
  '/messages/count_tokens',
] as const;

const OF_MODELS: ReadonlySet<string> = new Set([
  ...POST_PATHS,
  ...VERSIONLESS_PATHS,
  ...VERSIONLESS_PATHS.map((path) => `/v${path}`),
]);

/** Whether a server that is asked for this path, query included, answers as models do. */
export function isModelPath(path: string): boolean {
  return OF_MODELS.has(path.replace(/\?.*$/s, ''));
}

/** What all these paths begin with. */
export const MODEL_PREFIXES = ['/v1', '/v', '/completion', '/infill', '/rerank', '/reranking', '/sdapi', '/upstream'];
