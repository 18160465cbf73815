import { copyFileSync, existsSync } from 'node:fs';

/**
 * Keeps a copy of a damaged database with its log as they are on the disk, the first time: closing the database writes
 * the one into the other.
 */
export function keepCopy(file: string): void {
  const copy = `${file}.damaged`;
  if (existsSync(copy)) return;
  copyFileSync(file, copy);
  if (existsSync(`${file}-wal`)) copyFileSync(`${file}-wal`, `${copy}-wal`);
}
