import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FilteredService } from '../../src/mcp-front/filtered-service.ts';
import { mayPass, passes } from '../../src/mcp-front/tool-filter.ts';
import { FakeService, openSession } from './in-memory.ts';

const letters = (...more: string[]) => fc.string({ unit: fc.constantFrom('a', 'b', '_', ...more), maxLength: 8 });

describe('a filter of tools', () => {
  test('takes a star for any letters, and everything else as it is', () => {
    fc.assert(
      fc.property(letters('*'), letters(), (pattern, name) => {
        const expected = new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(name);
        expect(passes({ allow: [pattern], deny: undefined }, name)).toBe(expected);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    [undefined, undefined, true],
    [['files__*'], undefined, true],
    [['memory__*'], undefined, false],
    [['memory__*', '*read*'], undefined, true],
    [undefined, ['files__write'], true],
    [undefined, ['files__*'], false],
    [['files__*'], ['*__read'], false],
    [['FILES__*'], undefined, false],
  ])('that allows %j and denies %j passes files__read: %s', (allow, deny, expected) => {
    expect(passes({ allow, deny }, 'files__read')).toBe(expected);
  });

  test('says of a beginning of names that none passes only where that is so', () => {
    const patterns = fc.option(fc.array(letters('*'), { minLength: 1, maxLength: 3 }), { nil: undefined });
    fc.assert(
      fc.property(patterns, patterns, letters(), letters(), (allow, deny, beginning, rest) => {
        if (passes({ allow, deny }, `${beginning}${rest}`)) expect(mayPass({ allow, deny }, beginning)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    [['files__*'], undefined, true],
    [['*__read'], undefined, true],
    [['files__read'], undefined, true],
    [['memory__*', 'file'], undefined, false],
    [undefined, ['files__*'], false],
    [undefined, ['*'], false],
    [undefined, ['files__read*'], true],
  ])('that allows %j and denies %j may pass a tool of files: %s', (allow, deny, expected) => {
    expect(mayPass({ allow, deny }, 'files__')).toBe(expected);
  });

  test('hides tools from lists, and from calls', async () => {
    const whole = new FakeService();
    whole.list = async () => [{ name: 'read' }, { name: 'write' }];
    const service = new FilteredService(whole, { allow: undefined, deny: ['write'] });
    const { begin, ask } = openSession(service);
    await begin();
    expect((await ask('tools/list')).result.tools).toEqual([{ name: 'read' }]);
    expect((await ask('tools/call', { name: 'read' })).result).toEqual({ content: [] });
    expect((await ask('tools/call', { name: 'write' })).error).toMatchObject({ code: -32602 });
    expect(whole.calls).toHaveLength(1);
  });
});
