import type { JsonObject } from '../mcp/json-rpc.ts';
import { shortened } from '../text/shortened.ts';

/** How much of the description of a tool that was found is shown, in characters. */
const SHOWN = 200;
/** A word counts more in the name of a tool than in its description. */
const IN_NAME = 3;

/** A tool that was found. */
export interface FoundTool {
  readonly name: string;
  readonly description: string;
}

/** The tools whose names and descriptions have most of the words, the best first; all of them where there is no word. */
export function searchTools(tools: readonly JsonObject[], query: string): FoundTool[] {
  const words = [...new Set(query.toLowerCase().match(/[\p{L}\p{N}]+/gu))];
  return tools
    .map((tool) => ({ name: String(tool['name']), description: textOf(tool['description'] ?? tool['title']) }))
    .map((tool) => ({ tool, score: scoreOf(tool, words) }))
    .filter(({ score }) => words.length === 0 || score > 0)
    .toSorted((a, b) => b.score - a.score)
    .map(({ tool: { name, description } }) => ({ name, description: shortened(firstLine(description), SHOWN) }));
}

function scoreOf({ name, description }: FoundTool, words: readonly string[]): number {
  const [inName, inText] = [name.toLowerCase(), description.toLowerCase()];
  let score = 0;
  for (const word of words) {
    if (inName.includes(word)) score += IN_NAME;
    else if (inText.includes(word)) score += 1;
  }
  return score;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0] ?? '';
}
