import { cjm } from './cjm.ts';
import { command } from './command.ts';
import { http } from './http.ts';
import type { KindFields, WorkerKind } from './kind.ts';
import { mcp } from './mcp.ts';
import { node } from './node.ts';
import { python } from './python.ts';

/** What the kinds of the package are called. */
export type WorkerKindName = 'python' | 'node' | 'command' | 'cjm' | 'http' | 'mcp';

/** In the order in which they are asked whether a manifest is theirs. */
const kinds = new Map<string, WorkerKind>([node, python, command, cjm, http, mcp].map((kind) => [kind.name, kind]));

/** The names of all kinds. */
export function kindNames(): string[] {
  return [...kinds.keys()];
}

/** The kind of this name; undefined where it is unknown. */
export function findKind(name: string): WorkerKind | undefined {
  return kinds.get(name);
}

/** The kind of a manifest that was checked. */
export function kindOf({ worker }: { readonly worker: string }): WorkerKind {
  const kind = kinds.get(worker);
  if (kind === undefined) throw new Error(`There is no kind of worker called "${worker}".`);
  return kind;
}

/** The kind of a manifest that names none; undefined where its fields say nothing of it. */
export function inferKind(fields: KindFields): WorkerKind | undefined {
  return [...kinds.values()].find((kind) => kind.infers(fields));
}

/** Adds a kind of worker. Returns how to take it away. */
export function addKind(kind: WorkerKind): () => void {
  if (kinds.has(kind.name)) throw new Error(`There is a kind of worker called "${kind.name}" already.`);
  kinds.set(kind.name, kind);
  return () => void kinds.delete(kind.name);
}
