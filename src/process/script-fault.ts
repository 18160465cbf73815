import { closeSync, openSync, readSync } from 'node:fs';
import { basename, isAbsolute } from 'node:path';
import { shown } from '../text/shown.ts';
import { findProgram } from './program-path.ts';

/** How much of a file a system reads to find the program that runs it, in bytes; Linux reads 256. */
const FIRST_BYTES = 256;

/**
 * Why a script cannot be run although it is executable, with what to do, from its first line (`#!/bin/sh`); undefined
 * where nothing is wrong with that, and for what is no script. The system says only that it found no file. Throws the
 * system's error where the file cannot be read.
 *
 * @param path where programs are looked up, as `PATH` has it
 */
export function scriptFault(file: string, path: string | undefined): string | undefined {
  if (process.platform === 'win32') return undefined;
  const line = firstLine(file);
  if (!line.startsWith('#!')) return undefined;
  const where = `its first line is ${shown(line)}`;
  if (line.endsWith('\r')) {
    return `${where}, which ends with a carriage return; save it with line feeds alone: perl -pi -e 's/\\r$//' ${file}`;
  }
  const [interpreter = '', ...args] = line.slice(2).trim().split(/\s+/);
  if (isAbsolute(interpreter) && findProgram(interpreter, '/', path) === undefined) {
    return `${where}, but there is no program ${interpreter}; install it, or name another in that line`;
  }
  const found = basename(interpreter) === 'env' ? args.find(isProgram) : undefined;
  if (found !== undefined && findProgram(found, '/', path) === undefined) {
    return `${where}, but ${found} was not found on PATH; install it, or name another in that line`;
  }
  return undefined;
}

/** What `env` is given beside the program: options, and variables to set. */
function isProgram(argument: string): boolean {
  return !argument.startsWith('-') && !argument.includes('=');
}

function firstLine(file: string): string {
  const descriptor = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(FIRST_BYTES);
    const [line = ''] = bytes.toString('latin1', 0, readSync(descriptor, bytes)).split('\n');
    return line;
  } finally {
    closeSync(descriptor);
  }
}
