import type { Page } from '../store/page.ts';

const session = () => import('./session.ts');

// A page without a runtime is there for files, and what gave it may end at any time.
setTimeout(() => void session().catch(() => {}));

/** Shows a session from a file in place of what there is. */
export const openFile = (page: Page, file: File): void => use(page, ({ openSession }) => openSession(page, file));

/** Saves the session as a file. */
export const exportFile = (page: Page): void => use(page, ({ exportSession }) => exportSession(page));

function use(page: Page, act: (module: Awaited<ReturnType<typeof session>>) => Promise<void>): void {
  session()
    .then(act)
    .catch((error: unknown) => {
      page.notice.value = String(error);
    });
}
