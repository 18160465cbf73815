const SECRET_WORDS = new Set([
  'pwd',
  'pw',
  'auth',
  'authorization',
  'bearer',
  'cookie',
  'cookies',
  'jwt',
  'otp',
  'pin',
]);
const SECRET_PARTS =
  /passw|passphrase|passcode|secret|credential|api[-_.]?key|private[-_.]?key|access[-_.]?key|auth[-_.]?key|signing[-_.]?key|encryption[-_.]?key|session[-_.]?(key|id)|connection[-_.]?string|(auth|access|refresh|session|bearer|id)token/i;

/** The names that were asked about: there are few, and they are asked about again and again. */
const asked = new Map<string, boolean>();
const MAX_ASKED = 2_000;

/** Whether what goes by this name is likely to be secret: a key of an object, a flag, a variable. */
export function isSecretName(name: string): boolean {
  let answer = asked.get(name);
  if (answer === undefined) {
    answer = looksSecret(name);
    if (asked.size >= MAX_ASKED) asked.clear();
    asked.set(name, answer);
  }
  return answer;
}

function looksSecret(name: string): boolean {
  if (SECRET_PARTS.test(name)) return true;
  const words = wordsOf(name);
  return words.at(-1) === 'pass' || words.some((word) => SECRET_WORDS.has(word) || isToken(word));
}

/** Whether a number under this name is an amount, such as `max_tokens`, and no secret. */
export function isAmountName(name: string): boolean {
  return !SECRET_PARTS.test(name) && wordsOf(name).some(isToken);
}

const isToken = (word: string): boolean => word === 'token' || word === 'tokens';

function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
}
