import { readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readText } from '../files/file-text.ts';
import { systemCodeOf } from '../system-error.ts';

/** What a plugin requires, and all that decides what is installed for it. */
export interface Requirements {
  /** Every line of the file and of those that it includes, without comments, in order. */
  readonly lines: readonly string[];
  /** The folders in which wheels are looked for, as absolute paths. */
  readonly wheelFolders: readonly string[];
  /** Whether the package index is asked too. */
  readonly usesIndex: boolean;
  /** What the wheels on this machine are: their paths, with sizes and times. Another one is another environment. */
  readonly wheels: readonly string[];
}

/** Why requirements cannot be installed: a fault in what the plugin's author wrote. */
export class RequirementsFault extends Error {
  override readonly name = 'RequirementsFault';
}

/** The variables that the installer gets. */
type Variables = Readonly<Record<string, string>>;

/** An option that stands for another file, or for where wheels are: `-r FILE`, `-rFILE`, `--requirement=FILE`. */
const OPTION =
  /^(?:-(?<short>[rcfe])\s*|--(?<long>requirement|constraint|find-links|editable)(?:\s+|\s*=\s*))(?<value>.*)$/;

const SHORT_OPTIONS = { r: 'requirement', c: 'constraint', f: 'find-links', e: 'editable' } as const;

/** What pip and uv install from a file. */
const ARCHIVE = /\.(?:whl|zip|tar\.gz|tgz|tar\.bz2)$/i;

/** Reads a file of requirements with all that it includes by `-r` and `-c`. Throws {@link RequirementsFault}. */
export function readRequirements(file: string, env: Variables): Requirements {
  const reader = new Reader(dirname(file), env);
  reader.file(file, 'the requirements file');
  return reader.result();
}

/** Takes lines that stand in another kind of file, such as the dependencies of a project. Throws {@link RequirementsFault}. */
export function requirementsOf(lines: readonly string[], file: string, env: Variables): Requirements {
  const reader = new Reader(dirname(file), env);
  reader.lines(lines, file, () => file);
  return reader.result();
}

class Reader {
  /** Where the installer runs: from here on it reads the paths of requirements. */
  readonly #root: string;
  readonly #env: Variables;
  readonly #lines: string[] = [];
  readonly #folders = new Set<string>();
  readonly #wheels: string[] = [];
  readonly #read = new Set<string>();
  #usesIndex: boolean;

  constructor(root: string, env: Variables) {
    this.#root = root;
    this.#env = env;
    this.#usesIndex = !isSet(env['PIP_NO_INDEX']) && !isSet(env['UV_NO_INDEX']);
  }

  result(): Requirements {
    const { PIP_FIND_LINKS: ofPip = '', UV_FIND_LINKS: ofUv = '' } = this.#env;
    for (const place of [...ofPip.split(/\s+/), ...ofUv.split(/[\s,]+/)]) this.#lookIn(place, '/');
    const wheels = [...this.#wheels, ...[...this.#folders].flatMap(archivesIn)];
    return { lines: this.#lines, wheelFolders: [...this.#folders], usesIndex: this.#usesIndex, wheels };
  }

  file(path: string, what: string): void {
    if (this.#read.has(path)) return;
    this.#read.add(path);
    const found = readText(path);
    if (found === null) throw new RequirementsFault(`${what} ${path} does not exist`);
    if ('reason' in found) throw new RequirementsFault(`${what} ${path} ${found.reason}`);
    const lines = found.text.replace(/^\ufeff/, '').split(/\r?\n/);
    this.lines(joined(lines), path, (at) => `${path}:${at + 1}`);
  }

  lines(lines: readonly string[], file: string, placeOf: (at: number) => string): void {
    for (const [at, text] of lines.entries()) {
      const line = withVariables(text.replace(/(?:^|\s+)#.*$/, '').trim(), this.#env);
      if (line === '') continue;
      this.#lines.push(line);
      this.#line(line, file, placeOf(at));
    }
  }

  #line(line: string, file: string, place: string): void {
    const { short, long, value = '' } = OPTION.exec(line)?.groups ?? {};
    const option = short === undefined ? long : SHORT_OPTIONS[short as keyof typeof SHORT_OPTIONS];
    if (option === 'requirement' || option === 'constraint') {
      if (/^https?:/.test(value)) {
        throw new RequirementsFault(
          `${place}: "${line}" is read from the network, so a change of it could not be seen; keep the file beside this one`,
        );
      }
      this.file(resolve(dirname(file), localPath(value)), `${place}: the included file`);
    } else if (option === 'find-links') this.#lookIn(value, dirname(file));
    else if (option === 'editable') throw movingFolder(line, place);
    else if (line === '--no-index') this.#usesIndex = false;
    else if (!line.startsWith('-')) this.#requirement(line, place);
  }

  /** A name with versions is for the installer. A path is an archive, which is known by its size and time, or is refused. */
  #requirement(line: string, place: string): void {
    const [wanted = ''] = line.split(/\s+;|\s+--/);
    const url = /@\s*(file:\S+)$/.exec(wanted)?.[1] ?? (wanted.startsWith('file:') ? wanted : undefined);
    const path =
      url ?? (/^(?:[./~]|[\w.-]+[/\\]|[A-Za-z]:\\)/.test(wanted) && !wanted.includes('://') ? wanted : undefined);
    if (path === undefined && !(ARCHIVE.test(wanted) && !/[@\s]/.test(wanted))) return;
    const archive = resolve(this.#root, localPath((path ?? wanted).replace(/\[[^\]]*\]$/, '')));
    const stamp = stampOf(archive);
    if (stamp === 'missing') throw new RequirementsFault(`${place}: ${archive} does not exist`);
    if (stamp === 'folder') throw movingFolder(line, place);
    this.#wheels.push(stamp);
  }

  #lookIn(place: string, folder: string): void {
    if (place === '' || /^https?:/.test(place)) return;
    this.#folders.add(resolve(folder, localPath(place)));
  }
}

function movingFolder(line: string, place: string): RequirementsFault {
  return new RequirementsFault(
    `${place}: "${line}" is a folder, of which a change could not be seen; put the code into the plugin's folder, or make a wheel of it and name its folder with --find-links`,
  );
}

/** The lines of a file, of which one that ends with a backslash goes on in the next; those that went on are left empty. */
function joined(lines: readonly string[]): string[] {
  const whole: string[] = [];
  let open = '';
  for (const line of lines) {
    const text = open + line;
    // A comment ends with its line.
    const goesOn = text.endsWith('\\') && !/(?:^|\s)#/.test(text);
    open = goesOn ? text.slice(0, -1) : '';
    whole.push(goesOn ? '' : text);
  }
  return open === '' ? whole : [...whole, open];
}

/** pip and uv put variables in for `${NAME}`, and leave those that are not set. */
function withVariables(line: string, env: Variables): string {
  return line.replace(/\$\{([A-Z0-9_]+)\}/g, (whole, name: string) => env[name] ?? whole);
}

function localPath(place: string): string {
  try {
    return place.startsWith('file://') ? fileURLToPath(place) : place.replace(/^file:/, '');
  } catch {
    return place;
  }
}

/** The archives in a folder, as {@link Requirements.wheels} has them. None where there is no such folder. */
function archivesIn(folder: string): string[] {
  try {
    const names = readdirSync(folder).filter((name) => ARCHIVE.test(name));
    return names.toSorted().map((name) => stampOf(join(folder, name)));
  } catch {
    return [];
  }
}

/** What tells an archive from another one at its place. */
function stampOf(path: string): string {
  try {
    const stats = statSync(path);
    return stats.isDirectory() ? 'folder' : `${path} ${stats.size} ${stats.mtimeMs}`;
  } catch (error) {
    if (systemCodeOf(error) === undefined) throw error;
    return 'missing';
  }
}

/** As pip reads a variable that is a switch. */
function isSet(value: string | undefined): boolean {
  return value !== undefined && !/^(?:|0|no|off|false|n|f)$/i.test(value);
}
