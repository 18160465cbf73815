import { basename, join } from 'node:path';
import { GreenroomError } from '../../../errors.ts';
import type { Stage } from '../stage.ts';
import { MEDIA } from '../workshop.ts';

interface Probe {
  readonly seconds: number;
  readonly format: string;
  readonly streams: readonly { readonly type: string; readonly codec: string }[];
}

interface Loudness {
  readonly integratedLufs: number | null;
}

/** Has ffmpeg say what an audio or video file is: one of the user's, else tones that it makes first, all at once. */
export async function probeMedia(stage: Stage): Promise<void> {
  if (stage.missing.has(MEDIA)) return;
  const { corpus, workshop } = stage;
  try {
    if (corpus.media !== undefined) return await probe(stage, corpus.media);
    const tones = [220, 440, 880].map((frequency) => ({
      frequency,
      path: join(workshop.scratch, `${frequency}-hz.wav`),
    }));
    await Promise.all(
      tones.map(async ({ frequency, path }) => {
        await stage.call(MEDIA, { action: 'tone', path, frequency, seconds: 60 });
        await probe(stage, path);
      }),
    );
  } catch (error) {
    if (!(error instanceof GreenroomError) || error.remote === undefined) throw error;
    const { message } = error.remote;
    if (stage.missing.has(MEDIA)) return;
    if (isWithoutFfmpeg(error.remote.details)) stage.missing.add(MEDIA);
    stage.emit({ type: 'missing', plugin: MEDIA, reason: message, remedy: '' });
  }
}

async function probe(stage: Stage, path: string): Promise<void> {
  const startedAt = stage.now();
  const found = await stage.call<Probe>(MEDIA, { action: 'probe', path });
  const audible = found.streams.some(({ type }) => type === 'audio');
  const loudness = audible ? await stage.call<Loudness>(MEDIA, { action: 'loudness', path }) : undefined;
  const codecs = found.streams.map(({ codec }) => codec).join(', ');
  const lufs = loudness?.integratedLufs;
  const loud = typeof lufs === 'number' ? `, ${lufs} LUFS` : '';
  const text = `${basename(path)}: ${found.seconds.toFixed(1)} s of ${codecs}${loud}`;
  stage.result(MEDIA, 'probe', stage.now() - startedAt, text, { path, ...found, ...loudness });
}

function isWithoutFfmpeg(details: unknown): boolean {
  return typeof details === 'object' && details !== null && 'missing' in details;
}
