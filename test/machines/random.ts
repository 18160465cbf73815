/** Numbers in [0, 1) that follow from the seed, a positive integer: the minimal standard generator. */
export function randomFrom(seed: number): () => number {
  const modulus = 2 ** 31 - 1;
  let state = (seed % (modulus - 1)) + 1;
  return () => {
    state = (state * 48_271) % modulus;
    return state / modulus;
  };
}
