import { z } from 'zod';

/** Amounts of memory in MiB, and slots; what is not limited is left out. */
export interface Amounts {
  readonly vramMb?: number | undefined;
  readonly ramMb?: number | undefined;
  readonly slots?: number | undefined;
}

/** What a node says of itself. */
export interface Announcement {
  readonly name: string;
  /** Of Greenroom. */
  readonly version: string;
  /** Its machine and process, and since when it runs, in milliseconds since the epoch. */
  readonly host: string;
  readonly pid: number;
  readonly since: number;
  readonly capacity: Amounts;
  readonly reserved: Amounts;
  /** The plugins with a worker, and their calls. */
  readonly residents: readonly { readonly plugin: string; readonly state: string; readonly calls: number }[];
  /** The plugin for which it takes no jobs of others. */
  readonly makesWayFor?: string | undefined;
  /** Of how many jobs it lost the end. */
  readonly lost: number;
}

const amounts = z.object({ vramMb: z.number().optional(), ramMb: z.number().optional(), slots: z.number().optional() });

const announcementSchema: z.ZodType<Announcement> = z.object({
  name: z.string(),
  version: z.string(),
  host: z.string(),
  pid: z.number(),
  since: z.number(),
  capacity: amounts,
  reserved: amounts,
  residents: z.array(z.object({ plugin: z.string(), state: z.string(), calls: z.number() })),
  makesWayFor: z.string().optional(),
  lost: z.number(),
});

/** Reads what a node said; undefined where it is of another version, or has said nothing yet. */
export function readAnnouncement(text: string): Announcement | undefined {
  try {
    return announcementSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
