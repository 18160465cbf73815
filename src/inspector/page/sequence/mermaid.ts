import { type Sequence, sinceText } from './sequence.ts';

/** A sequence as a diagram of Mermaid, each step with the time since the first. */
export function mermaidText({ lifelines, steps, gap }: Sequence): string {
  const first = steps[0]?.at ?? 0;
  const names = new Map(lifelines.map(({ id }, index) => [id, `p${index}`]));
  const lines = [
    'sequenceDiagram',
    ...lifelines.map(({ id, name }) => `  participant ${names.get(id)} as ${word(name)}`),
  ];
  for (const [index, { at, from, to, text, tone }] of steps.entries()) {
    if (gap?.after === index) {
      lines.push(`  Note over ${names.get(lifelines[0]?.id ?? '')}: ${gap.count} steps are left out`);
    }
    const said = `${sinceText(at, first)} ${word(text)}`;
    const arrow = tone === 'bad' ? '-x' : tone === 'good' ? '-->>' : '->>';
    lines.push(
      from === to ? `  Note over ${names.get(from)}: ${said}` : `  ${names.get(from)}${arrow}${names.get(to)}: ${said}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

/** Text as Mermaid takes it: on one line, with what has a meaning there as the number of its character. */
function word(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[#;<>&%"]/g, (sign) => `#${sign.charCodeAt(0)};`)
    .replaceAll(/\bend\b/gi, (end) => `#${end.charCodeAt(0)};${end.slice(1)}`);
}
