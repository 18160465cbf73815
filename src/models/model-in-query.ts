import { BadModelRequest } from './failure.ts';

/** The model in a query. Throws {@link BadModelRequest} where there is none. */
export function modelInQuery(query: URLSearchParams): string {
  const model = query.get('model');
  if (model !== null && model !== '') return model;
  throw new BadModelRequest({
    status: 400,
    message: 'The request names no model. Send it as "model", in the JSON, the form or the query.',
    code: 'missing_model',
    param: 'model',
  });
}
