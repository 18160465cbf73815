/** Hidden, of an editor, or with an ending by which programs name what they set aside: `.x`, `x~`, `#x#`, `x.bak`. */
const SET_ASIDE = /^\.|~$|^#.*#$|\.(?:bak|backup|old|orig|rej|save|swp|swo|te?mp)\d*$/i;

/** What file managers and people call a copy: `x copy`, `x (copy)`, `Copy of x`, `x - Copy (2)`, `x-backup`, `x_old`. */
const COPY = /^copy(?: \(?\d+\)?)? of |[-_ (](?:copy|backup|bak|old|orig|save)\)?(?: ?\(?\d+\)?)?$/i;

/** Whether a name is that of something set aside, and not of a plugin's folder or file. */
export function isSetAside(name: string): boolean {
  return SET_ASIDE.test(name);
}

/** Whether a name is what people call a copy. A plugin may be called so too: `db-backup`. */
export function isCopyName(name: string): boolean {
  return COPY.test(name);
}
