// Blocking calls: the package's `greenroom/sync`

// Calls
export { Arguments } from '../channel/arguments.ts';

// Errors: the same class as that of `greenroom`, which takes longer to load
export type { ErrorDetails } from '../error-details.ts';
export { type ErrorCode, GreenroomError, type RemoteError, type RemoteErrorCategory } from '../errors.ts';
export type { BlockingStream } from './blocking-stream.ts';
export {
  type BlockingCallOptions,
  type BlockingLoadOptions,
  type BlockingOptions,
  type BlockingPluginHandle,
  type BlockingStreamOptions,
  type BlockingSupervisor,
  createSupervisor,
} from './blocking-supervisor.ts';
