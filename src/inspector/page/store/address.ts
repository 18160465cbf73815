import { batch, effect } from '@preact/signals';
import type { PluginState } from '../../wire.ts';
import { PLUGIN_STATES } from '../palette.ts';
import { DETAILS_TABS, type Page } from './page.ts';

const TOKEN_KEY = 'greenroom-token';
/** Browsers let a page change its address a few times a second only. */
const WRITE_MS = 300;

/** The token that the address brought, which leaves the address at once; else the one that this tab has had before. */
export function takeToken(): string | undefined {
  const fields = new URLSearchParams(location.hash.slice(1));
  const given = fields.get('token');
  if (given !== null) {
    sessionStorage.setItem(TOKEN_KEY, given);
    fields.delete('token');
    history.replaceState(null, '', `${location.pathname}#${fields.toString()}`);
  }
  return given ?? sessionStorage.getItem(TOKEN_KEY) ?? undefined;
}

/** Has the page show what its address says: actor, tab, filters, and the instant. */
export function readAddress(page: Page): void {
  const fields = new URLSearchParams(location.hash.slice(1));
  const states = (fields.get('states') ?? '').split(' ');
  const at = Number(fields.get('at') ?? Number.NaN);
  batch(() => {
    page.selected.value = fields.get('actor') ?? 'supervisor';
    page.tab.value = DETAILS_TABS.find((tab) => tab === fields.get('tab')) ?? 'context';
    page.job.value = fields.get('job') ?? undefined;
    page.query.value = fields.get('q') ?? '';
    page.states.value = new Set(
      states.filter((state): state is PluginState => PLUGIN_STATES.includes(state as PluginState)),
    );
    page.cursor.value = Number.isSafeInteger(at) && fields.has('at') ? at : undefined;
  });
}

/** What is shown, as the fields of an address; without the token, which lets anybody look. */
function fieldsOf(page: Page): URLSearchParams {
  const fields = new URLSearchParams();
  const [actor, tab, query] = [page.selected.value, page.tab.value, page.query.value];
  const [states, at, job] = [page.states.value, page.cursor.value, page.job.value];
  if (actor !== 'supervisor') fields.set('actor', actor);
  if (tab !== 'context') fields.set('tab', tab);
  if (tab === 'jobs' && job !== undefined) fields.set('job', job);
  if (query !== '') fields.set('q', query);
  if (states.size > 0) fields.set('states', [...states].join(' '));
  if (at !== undefined) fields.set('at', String(at));
  return fields;
}

/** The address at which another page that has the token shows the same. */
export function linkTo(page: Page): string {
  return `${location.origin}${location.pathname}#${fieldsOf(page).toString()}`;
}

/** Keeps the address at what is shown, and what is shown at the address. Returns how to stop. */
export function keepAddress(page: Page): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** What the page itself, or whoever has changed it and was heard, has last made of the address. */
  let known = location.hash;
  const stop = effect(() => {
    const fields = fieldsOf(page);
    clearTimeout(timer);
    timer = setTimeout(() => {
      // Changed meanwhile by another hand: the change is about to be told, and counts.
      if (location.hash !== known) return;
      history.replaceState(null, '', `${location.pathname}${fields.size > 0 ? '#' : ''}${fields.toString()}`);
      known = location.hash;
    }, WRITE_MS);
  });
  const onChange = (): void => {
    if (location.hash === known) return;
    known = location.hash;
    readAddress(page);
  };
  addEventListener('hashchange', onChange);
  return () => {
    stop();
    clearTimeout(timer);
    removeEventListener('hashchange', onChange);
  };
}
