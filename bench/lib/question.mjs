// @ts-check
// Answers one question in this process and hands the rows to run.mjs, which started it.

const [name, quick] = process.argv.slice(2);
const { default: answer } = await import(new URL(`../questions/${name}.mjs`, import.meta.url).href);
const rows = await answer({ quick: quick !== undefined, repetitions: quick === undefined ? 21 : 11 });
process.send?.(rows, () => process.exit(0));
