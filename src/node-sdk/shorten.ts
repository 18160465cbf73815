/** The text, or its two ends and how much is left out between them where it has more than `limit` characters. */
export function shorten(text: string, limit: number): string {
  if (text.length <= limit) return text;
  const end = Math.floor(limit / 4);
  const start = limit - end;
  return `${text.slice(0, start)}… [${text.length - limit} characters left out] …${text.slice(-end)}`;
}
