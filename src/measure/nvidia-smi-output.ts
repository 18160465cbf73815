/** One NVIDIA GPU. Memory is in MiB, null where the driver does not tell it, as for those that share the host's. */
export interface Gpu {
  readonly uuid: string;
  /** Its number in the driver's order, which `CUDA_VISIBLE_DEVICES` need not follow. */
  readonly index: number;
  readonly name: string;
  readonly totalMb: number | null;
  readonly freeMb: number | null;
  readonly usedMb: number | null;
}

/** A process that computes on a GPU. In a container, pids may be the host's, or there may be none at all. */
export interface GpuProcess {
  readonly pid: number;
  /** The {@link Gpu.uuid}; of a GPU that is split (MIG), the whole one's or the part's, as the driver chooses. */
  readonly gpuUuid: string;
  /** Null where the driver does not tell it, as on Windows. */
  readonly usedMb: number | null;
}

type Row = ReadonlyMap<string, string>;

/** Reads a CSV of `--query-gpu`, its header included, whatever columns it has; null for any other text. */
export function parseGpus(text: string): Gpu[] | null {
  return parseRows(text, 'index', (row) => {
    const uuid = row.get('uuid') ?? row.get('gpu_uuid');
    const index = row.get('index') ?? '';
    if (uuid === undefined || !/^\d+$/.test(index)) return undefined;
    const [totalMb, freeMb, usedMb] = [
      megabytes(row.get('memory.total')),
      megabytes(row.get('memory.free')),
      megabytes(row.get('memory.used')),
    ];
    return { uuid, index: Number(index), name: row.get('name') ?? '', totalMb, freeMb, usedMb };
  });
}

/** Reads a CSV of `--query-compute-apps`, its header included, whatever columns it has; null for any other text. */
export function parseGpuProcesses(text: string): GpuProcess[] | null {
  return parseRows(text, 'pid', (row) => {
    const pid = row.get('pid') ?? '';
    const gpuUuid = row.get('gpu_uuid');
    if (gpuUuid === undefined || !/^\d+$/.test(pid)) return undefined;
    // The column has a second name, which some versions write over what was asked for by the first.
    return { pid: Number(pid), gpuUuid, usedMb: megabytes(row.get('used_gpu_memory') ?? row.get('used_memory')) };
  });
}

/**
 * The rows below the first line that names the column. Other lines are warnings, which the tool writes among them; but
 * if there is no row and yet something is said, that is an error and no empty table.
 */
function parseRows<T>(text: string, column: string, parseRow: (row: Row) => T | undefined): T[] | null {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const head = lines.findIndex((line) => columnsOf(line).includes(column));
  if (head === -1) return null;
  const columns = columnsOf(lines[head] ?? '');
  const below = lines.slice(head + 1);
  const rows = below
    .map((line) => rowOf(columns, line))
    .map((row) => (row === undefined ? undefined : parseRow(row)))
    .filter((row) => row !== undefined);
  return rows.length === 0 && below.length > 0 ? null : rows;
}

/** The names in a header, without their units: `memory.total [MiB]`. */
function columnsOf(header: string): string[] {
  return header.split(',').map((name) => name.replace(/\[.*\]/, '').trim());
}

function rowOf(columns: readonly string[], line: string): Row | undefined {
  const cells = line.split(',').map((cell) => cell.trim());
  const surplus = cells.length - columns.length;
  if (surplus < 0) return undefined;
  // A name may hold commas; nothing else does.
  const named = columns.findIndex((column) => column === 'name' || column === 'process_name');
  if (surplus > 0 && named === -1) return undefined;
  if (surplus > 0) cells.splice(named, surplus + 1, cells.slice(named, named + surplus + 1).join(', '));
  return new Map(columns.map((column, index) => [column, cells[index] ?? '']));
}

/** `[N/A]`, `[Not Supported]`, `[Insufficient Permissions]`, `[GPU requires reset]` and their like are null. */
function megabytes(cell: string | undefined): number | null {
  const figure = /^(\d+(?:\.\d+)?)(?: Mi?B)?$/.exec(cell ?? '')?.[1];
  return figure === undefined ? null : Number(figure);
}
