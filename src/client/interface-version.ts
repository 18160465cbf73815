import { GreenroomError } from '../errors.ts';

/**
 * How a daemon's version stands to that of its client: `same`; `fits`, where the interface is the same; `differs`. A
 * version before 1.0 changes its interface with the second number, later ones with the first.
 */
export function versionFit(daemon: string, own: string): 'same' | 'fits' | 'differs' {
  if (daemon === own) return 'same';
  return interfaceOf(daemon) === interfaceOf(own) ? 'fits' : 'differs';
}

/** What to do about a daemon of another version, in a sentence or two. */
export function versionText(daemon: string, own: string): string {
  return `The daemon is Greenroom ${daemon}, and this program uses ${own}. Have this version take over: greenroom serve --replace`;
}

/** The daemon's interface is not that of its client. */
export function versionError(daemon: string, own: string): GreenroomError {
  return new GreenroomError('E_DAEMON', `The interfaces of daemon and program differ. ${versionText(daemon, own)}`);
}

function interfaceOf(version: string): string {
  const [major = '', minor = ''] = version.split('.');
  return major === '0' ? `0.${minor}` : major;
}
