import type { Page } from '../store/page.ts';
import { readSession, writeSession } from '../store/session-file.ts';

/** Shows a session from a file in place of what there is. */
export async function openSession(page: Page, file: File): Promise<void> {
  try {
    const history = readSession(await file.text());
    page.leaveStream();
    page.clearFilters();
    page.cursor.value = undefined;
    page.source.value = { kind: 'file', name: file.name };
    page.notice.value = '';
    page.show(history);
  } catch (error) {
    page.notice.value = `${file.name} cannot be opened: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Saves the session: all that the runtime remembers, or what this page does if the runtime is gone. */
export async function exportSession(page: Page): Promise<void> {
  const history = page.history.peek();
  if (history === undefined) return;
  save((await fromRuntime(page)) ?? new Blob([writeSession(history)], { type: 'application/x-ndjson' }));
}

async function fromRuntime(page: Page): Promise<Blob | undefined> {
  const source = page.source.peek();
  if (source.kind !== 'stream' || source.state !== 'live' || page.token === undefined) return undefined;
  try {
    const response = await fetch('api/export', { headers: { authorization: `Bearer ${page.token}` } });
    return response.ok ? await response.blob() : undefined;
  } catch {
    return undefined;
  }
}

function save(content: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = `greenroom-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.ndjson`;
  link.click();
  // The browser has taken hold of it by the next task.
  setTimeout(() => URL.revokeObjectURL(link.href));
}
