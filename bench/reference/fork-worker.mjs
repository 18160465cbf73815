// @ts-check
// What people write who talk to a child of their own: `process.send` there and back.
process.on('message', (message) => {
  const { id, input } = /** @type {{ id: number, input: unknown }} */ (message);
  process.send?.({ id, result: input });
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
