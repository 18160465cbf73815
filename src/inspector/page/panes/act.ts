import type { ControlAnswer, ControlRequest } from '../../wire.ts';
import type { Page } from '../store/page.ts';

/** Whether the runtime may be asked to act: where it allows it, and only in the present. */
export function mayAct(page: Page): boolean {
  const source = page.source.value;
  if (page.cursor.value !== undefined || source.kind !== 'stream' || source.state !== 'live') return false;
  return page.history.value?.known.control === true;
}

/** Asks the runtime to act on a plugin. How it goes is recorded, and shows among the events. */
export async function act(page: Page, request: ControlRequest): Promise<void> {
  try {
    const response = await fetch('api/control', {
      method: 'POST',
      headers: { authorization: `Bearer ${page.token ?? ''}`, 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
    const answer = response.ok || response.status === 404 ? ((await response.json()) as ControlAnswer) : undefined;
    if (answer?.ok !== true)
      page.notice.value = answer?.message ?? `The runtime answered with status ${response.status}.`;
  } catch (error) {
    page.notice.value = `The runtime could not be reached: ${String(error)}`;
  }
}
