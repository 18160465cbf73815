// Clients of a daemon: the package's `greenroom/client`

// Calls
export type { CallOptions, Progress, StreamOptions } from '../calls/call-options.ts';
// Errors: the same class as that of `greenroom`, which takes longer to load
export type { ErrorDetails } from '../error-details.ts';
export { type ErrorCode, GreenroomError, type RemoteError, type RemoteErrorCategory } from '../errors.ts';
// Clients
export { type Client, type ClientPluginHandle, createClient, type DaemonStatus } from './client.ts';
export { connectOrStart } from './connect-or-start.ts';
export type { ClientTarget } from './daemon-target.ts';
export type { ConnectOrStartOptions } from './ensure-daemon.ts';
