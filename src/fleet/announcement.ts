import { z } from 'zod';

const amounts = z.object({ vramMb: z.number().optional(), ramMb: z.number().optional(), slots: z.number().optional() });

const announcementSchema = z.object({
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

/**
 * What a node says of itself: its name, the version of Greenroom, its machine and process, since when it runs (in
 * milliseconds since the epoch), its memory (MiB; what is not limited is left out), the plugins with a worker and their
 * calls, for which plugin others take no jobs, and of how many jobs it lost the end.
 */
export type Announcement = z.infer<typeof announcementSchema>;

/** Reads what a node said; undefined where it is of another version, or has said nothing yet. */
export function readAnnouncement(text: string): Announcement | undefined {
  try {
    return announcementSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
