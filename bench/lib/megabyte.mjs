// @ts-check
/** An object of about a megabyte of JSON: rows as a table or a search has them. */
export const MEGABYTE = {
  rows: Array.from({ length: 12_000 }, (_, id) => ({ id, name: `row number ${id}`, score: id / 7, tags: ['a', 'b'] })),
};
