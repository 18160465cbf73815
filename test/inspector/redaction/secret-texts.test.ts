import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Faults } from '../../../src/inspector/record/faults.ts';
import { Redactor } from '../../../src/inspector/redaction/redaction.ts';
import { SecretTexts } from '../../../src/inspector/redaction/secret-texts.ts';
import { shortened } from '../../../src/text/shortened.ts';

/** Random characters that no other text has. */
function randomText(length: number, seed: number): string {
  let state = seed;
  let text = '';
  while (text.length < length) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    text += state.toString(36);
  }
  return text.slice(0, length);
}

describe('secrets in texts', () => {
  it('are found wherever a search for each of them finds one, and nothing else is', () => {
    // Few letters, so that secrets repeat, overlap and begin alike.
    const word = fc.string({ unit: fc.constantFrom('a', 'b', '%', '"', '\\', ' '), maxLength: 40 });
    fc.assert(
      fc.property(fc.array(word, { maxLength: 8 }), fc.array(word, { maxLength: 8 }), (secrets, words) => {
        const text = [...words, ...secrets, ...words].join('');
        const texts = new SecretTexts();
        const expected = Array.from<number>({ length: text.length }).fill(0);
        for (const secret of secrets) {
          texts.add(secret);
          for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) {
            if (form.length < 4) continue;
            for (let at = text.indexOf(form); at !== -1; at = text.indexOf(form, at + 1))
              expected.fill(1, at, at + form.length);
          }
        }
        const found = [...(texts.find(text) ?? expected.map(() => 0))];
        // Of those of 64 characters, in a URL, parts are found too.
        const isLong = secrets.some((secret) => encodeURIComponent(secret).length >= 64);
        if (isLong) expect(found.every((mark, at) => mark >= (expected[at] as number))).toBe(true);
        else expect(found).toEqual(expected);
      }),
    );
  });

  it.each([1, 100, 20_000])('are hidden when there are %i of them', (count) => {
    const redactor = new Redactor();
    const secrets = Array.from({ length: count }, (_, index) => `eyJhbGciOiJIUzI1NiJ9.${randomText(40, index + 1)}`);
    redactor.learn(secrets);
    for (const secret of [secrets[0], secrets.at(-1)]) expect(redactor.text(`a ${secret} b`)).toBe('a [redacted] b');
  });

  it.each([100, 40_000, 70_000, 1_000_000])('are hidden when one has %i characters', (length) => {
    for (const secret of [randomText(length, 7), 'canary7f3a '.repeat(length / 11), 'a'.repeat(length)]) {
      const redactor = new Redactor();
      redactor.learn([secret]);
      const rest = 'x '.repeat(30_000);
      expect(redactor.text(`see ${secret} there`)).toMatch(/^see ?\[redacted\]/);
      expect(redactor.text(`${rest}${secret}`)).not.toContain(secret.slice(0, 20));
      for (const text of [`see ${secret} there`, `see ${secret}${rest}`, `${rest}${secret}`]) {
        expect(redactor.tail(text)).not.toContain(secret.slice(-20));
      }
    }
  });

  it('are hidden at the edges of what is shown of a text', () => {
    const secret = randomText(90_000, 3);
    const redactor = new Redactor();
    redactor.learn([secret]);
    for (const before of [0, 10, 4_000, 65_530, 65_536]) {
      const text = '.'.repeat(before) + secret + '.'.repeat(before);
      expect(redactor.text(text)).toMatch(/^\.*(\[redacted\])?\.*…?$/);
      expect(redactor.tail(text)).toMatch(/^…?\.*(\[redacted\])?\.*$/);
    }
  });

  it('of several lines are hidden line by line', () => {
    const lines = ['-----BEGIN KEY-----', randomText(64, 1), randomText(64, 2), randomText(20, 3), '-----END KEY-----'];
    const redactor = new Redactor();
    redactor.learn([lines.join('\r\n')]);
    for (const line of lines) expect(redactor.text(`[log] ${line}`)).toBe('[log] [redacted]');
  });

  it('are hidden when a part of them was cut off before', () => {
    const secret = randomText(500, 5);
    const redactor = new Redactor();
    redactor.learn([secret]);
    for (const [from, to] of [
      [1, 500],
      [0, 499],
      [37, 311],
      [120, 152],
    ] as const) {
      expect(redactor.text(`see ${secret.slice(from, to)}`)).toBe('see [redacted]');
    }
  });

  it('are hidden at the edges of their lines where they repeat themselves, and where a line was cut', () => {
    const lines = Array.from({ length: 200 }, (_, n) => `key-${n}-${'0123456789abcdef'.repeat(4)}`);
    const redactor = new Redactor();
    redactor.learn([lines.join('\n')]);
    const printed = `see ${lines.join(' ')} there`;
    expect(redactor.text(printed)).not.toMatch(/key-|cdef/);
    for (let characters = 300; characters < 400; characters += 1) {
      const text = redactor.text(shortened(printed, characters));
      expect([characters, text.match(/key-\d|cdef/)]).toEqual([characters, null]);
      expect(text).toMatch(/^see .* there$/);
    }
  });

  it('that overlap are hidden both', () => {
    const redactor = new Redactor();
    redactor.learn(['abcd-1234', '1234-efgh']);
    expect(redactor.text('x abcd-1234-efgh y')).toBe('x [redacted] y');
  });
});

describe('what goes wrong', () => {
  it('shows no text once a secret could not be remembered', () => {
    const redactor = new Redactor();
    redactor.learn(['x'.repeat(33 * 2 ** 20)]);
    expect(redactor.text('anything')).toBe('[redacted]');
    expect(redactor.tail('anything')).toBe('[redacted]');
    expect(redactor.json({ anything: 'else' })).toEqual({ '[redacted]': '[redacted]' });
  });

  it('is told without the words of the error', () => {
    const told: unknown[] = [];
    const faults = new Faults((error) => told.push(error));
    faults.guard(() => {
      throw new SyntaxError('Invalid regular expression: /canary/', { cause: 'canary' });
    });
    faults.report('canary');
    expect(told).toHaveLength(2);
    for (const error of told as Error[]) {
      expect(`${error.name} ${error.message} ${error.stack} ${String(error.cause)}`).not.toContain('canary');
    }
    expect((told[0] as Error).stack).toMatch(/^SyntaxError: .*\n {4}at .*secret-texts\.test/);
  });
});
