import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection, createServer, type ListenOptions } from 'node:net';
import { arch, platform, release } from 'node:os';
import { messageOf } from '../../errors.ts';
import { createNvidiaSmi } from '../../measure/nvidia-smi.ts';
import type { Gpu } from '../../measure/nvidia-smi-output.ts';
import { readSystemMemory } from '../../measure/system-memory.ts';
import { orphanProtection } from '../../orphans/orphan-protection.ts';
import { killGroup } from '../../process/process-group.ts';
import { createSocketDirectory } from '../../process/socket-directory.ts';
import { MAX_SOCKET_PATH_BYTES } from '../../protocol.ts';
import type { Finding } from './check.ts';

/** The oldest Node that is supported. */
const LEAST_NODE = [20, 19] as const;

/** With less free memory than this, in MiB, a worker can hardly start. */
const LITTLE_MEMORY_MB = 256;

/** Whether this Node is new enough. */
export function checkNode(version = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isOld = major < LEAST_NODE[0] || (major === LEAST_NODE[0] && minor < LEAST_NODE[1]);
  return {
    check: 'Node.js',
    level: isOld ? 'fail' : 'ok',
    found: version,
    next: isOld ? `Install Node.js ${LEAST_NODE.join('.')} or later.` : undefined,
  };
}

/** What system this is. */
export function checkPlatform(): Finding {
  const found = `${platform()} ${arch()}, ${release()}`;
  if (process.platform === 'linux' || process.platform === 'darwin') return { check: 'system', level: 'ok', found };
  return {
    check: 'system',
    level: 'warn',
    found,
    next: 'Workers listen on TCP here, and taskkill ends their process trees. Linux and macOS give stronger guarantees.',
  };
}

/** Whether a Unix socket can really be served where the workers' lie; without one they listen on TCP. */
export async function checkSockets(): Promise<Finding> {
  const check = 'sockets';
  const folder = createSocketDirectory();
  if (folder === undefined) {
    const isWindows = process.platform === 'win32';
    const next = isWindows ? undefined : 'Set XDG_RUNTIME_DIR or TMPDIR to a folder of yours with a short path.';
    return (await servesTcp(check)) ?? { check, level: isWindows ? 'ok' : 'warn', found: 'TCP on 127.0.0.1', next };
  }
  try {
    await serveOnce({ path: folder.worker });
    const bytes = Buffer.byteLength(folder.worker);
    return { check, level: 'ok', found: `${folder.worker} (${bytes} of ${MAX_SOCKET_PATH_BYTES} bytes)` };
  } catch (error) {
    const next = 'Set XDG_RUNTIME_DIR to a folder that takes sockets, or GREENROOM_TRANSPORT=tcp.';
    return { check, level: 'fail', found: `no Unix socket in ${folder.path}: ${messageOf(error)}`, next };
  } finally {
    await folder.remove();
  }
}

async function servesTcp(check: string): Promise<Finding | undefined> {
  try {
    await serveOnce({ host: '127.0.0.1', port: 0 });
    return undefined;
  } catch (error) {
    const next = 'Allow programs of this user to listen on 127.0.0.1.';
    return { check, level: 'fail', found: `nothing can listen on 127.0.0.1: ${messageOf(error)}`, next };
  }
}

/** Listens, is connected to once, and is gone again. */
async function serveOnce(where: ListenOptions): Promise<void> {
  const server = createServer((socket) => socket.end());
  try {
    server.listen(where);
    await once(server, 'listening');
    const address = server.address();
    const client =
      typeof address === 'string' ? createConnection(address) : createConnection(address?.port ?? 0, '127.0.0.1');
    client.resume();
    await once(client, 'close');
  } finally {
    server.close();
  }
}

/** Whether a process group can be made and ended as a whole. */
export async function checkProcessGroups(): Promise<Finding> {
  const check = 'process groups';
  if (process.platform === 'win32')
    return { check, level: 'ok', found: 'not available here; taskkill ends process trees' };
  try {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { detached: true, stdio: 'ignore' });
    await once(child, 'spawn');
    const exited = once(child, 'exit');
    if (killGroup(child.pid as number, 'SIGKILL')) {
      await exited;
      return { check, level: 'ok', found: 'created one and killed it' };
    }
    child.kill('SIGKILL');
    await exited;
    return { check, level: 'fail', found: 'created one, but could not signal it' };
  } catch (error) {
    const next = 'Check the limits on processes: ulimit -u, and the pids limit of the container.';
    return { check, level: 'fail', found: `no process could be started: ${messageOf(error)}`, next };
  }
}

/** What becomes of workers if this program dies. */
export function checkOrphans(): Finding {
  const { tier, promise } = orphanProtection();
  const names = {
    cgroup: 'control groups',
    mark: 'guard process and marks in /proc',
    group: 'guard process',
    lifeline: 'lifelines only',
  } as const;
  return {
    check: 'no orphans',
    level: tier === 'cgroup' || tier === 'mark' ? 'ok' : 'warn',
    found: names[tier],
    next: promise,
  };
}

/** What GPUs the driver tells of. */
export async function checkGpus(smi = createNvidiaSmi()): Promise<Finding> {
  const check = 'GPU';
  let gpus: Gpu[];
  try {
    gpus = await smi.gpus();
  } catch (error) {
    const next = 'Run nvidia-smi to see why; the driver may need a reload.';
    return { check, level: 'warn', found: messageOf(error), next };
  }
  if (gpus.length === 0) return { check, level: 'ok', found: 'no NVIDIA GPU; plugins use the processor' };
  const found = gpus.map(
    ({ index, name, freeMb, totalMb }) => `${index}: ${name}, ${gibibytes(freeMb)} of ${gibibytes(totalMb)} free`,
  );
  const isUnknown = gpus.some(({ freeMb }) => freeMb === null);
  const next = isUnknown
    ? 'The driver does not report the memory of every GPU; there, plugins are placed by their manifests and the capacity alone.'
    : undefined;
  return { check, level: isUnknown ? 'warn' : 'ok', found: found.join('; '), next };
}

/** How much memory is left, and by what it is limited. */
export function checkMemory(memory = readSystemMemory()): Finding {
  const { totalMb, availableMb, machineTotalMb, group } = memory;
  const isLittle = availableMb < LITTLE_MEMORY_MB;
  const limit =
    group === undefined ? '' : `, within the control group ${group} on a machine of ${gibibytes(machineTotalMb)}`;
  return {
    check: 'memory',
    level: isLittle ? 'warn' : 'ok',
    found: `${gibibytes(availableMb)} of ${gibibytes(totalMb)} free${limit}`,
    next: isLittle ? 'The system may kill workers when memory runs out. Close other programs.' : undefined,
  };
}

function gibibytes(mb: number | null): string {
  return mb === null ? 'unknown' : `${(mb / 1_024).toFixed(1)} GiB`;
}
