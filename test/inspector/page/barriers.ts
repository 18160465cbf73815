import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';

const axe = readFileSync(new URL('../../../node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');

/** What a rule of axe objects to: the rule, how much it matters, the first element, and what is wrong with that. */
export interface Violation {
  readonly rule: string;
  readonly impact: string;
  readonly html: string;
  readonly summary: string;
}

/** The parts of axe that are used here. */
interface Axe {
  run(
    within: string | Document,
    options: object,
  ): Promise<{
    readonly violations: readonly {
      readonly id: string;
      readonly impact: string;
      readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
    }[];
  }>;
}

/** All that axe objects to on a page, or in a part of it, by all of its rules but these. */
export async function violationsOf(page: Page, within?: string, but: readonly string[] = []): Promise<Violation[]> {
  const isThere = await page.evaluate(() => 'axe' in globalThis);
  // Not by a script of the page, which its policy would refuse.
  if (!isThere) await page.evaluate(axe);
  return page.evaluate(
    async ([part, left]) => {
      const { axe: own } = globalThis as unknown as { axe: Axe };
      const rules = Object.fromEntries(left.map((rule) => [rule, { enabled: false }]));
      // Nobody reads what the rules have no objection to, and to describe that takes long.
      const { violations } = await own.run(part ?? document, { rules, resultTypes: ['violations'] });
      return violations.flatMap(({ id, impact, nodes }) =>
        nodes.slice(0, 1).map(({ html, failureSummary }) => ({ rule: id, impact, html, summary: failureSummary })),
      );
    },
    [within, but] as const,
  );
}

/** What axe calls serious or critical on a page, or in a part of it. */
export async function barriersOf(page: Page, within?: string): Promise<Violation[]> {
  return (await violationsOf(page, within)).filter(({ impact }) => impact === 'serious' || impact === 'critical');
}

/** By how many pixels a page is wider than its window; 0 or less: not at all. */
export function overflowOf(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
}
