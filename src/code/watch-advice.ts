import { messageOf } from '../errors.ts';
import { systemCodeOf } from '../system-error.ts';

/** Why the system tells no events of a folder, in words, and what to do where one of its limits is reached. */
export function watchAdvice(error: unknown): string {
  switch (systemCodeOf(error)) {
    case 'ENOSPC':
      return "the system's limit of watched files is reached (ENOSPC); raise it with: sudo sysctl fs.inotify.max_user_watches=524288";
    case 'EMFILE':
      return 'the limit of open files or of watching programs is reached (EMFILE); raise it with: sudo sysctl fs.inotify.max_user_instances=1024, or ulimit -n 65536';
    default:
      return messageOf(error);
  }
}
