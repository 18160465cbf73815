import { useEffect, useState } from 'preact/hooks';
import { colorsAt, type LaneColors } from './colors.ts';
import { paintLanes, type Scene } from './paint.ts';

/** Paints at most once a frame, and only after something has changed. */
export function usePainting(
  canvas: { readonly current: HTMLCanvasElement | null },
  scene: Scene,
  colors: LaneColors | undefined,
): void {
  useEffect(() => {
    const frame = requestAnimationFrame(() => {
      const element = canvas.current;
      const pen = element?.getContext('2d', { alpha: false });
      if (element === null || pen === null || pen === undefined || colors === undefined || scene.width === 0) return;
      const ratio = devicePixelRatio;
      const [width, height] = [Math.round(scene.width * ratio), Math.round(scene.height * ratio)];
      if (element.width !== width) element.width = width;
      if (element.height !== height) element.height = height;
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      paintLanes(pen, scene, colors);
    });
    return () => cancelAnimationFrame(frame);
  }, [canvas, scene, colors]);
}

/** The colours in force, read again when the scheme changes, of the system or of the page. */
export function useColors(
  at: { readonly current: HTMLElement | null },
  canvas: { readonly current: HTMLCanvasElement | null },
): LaneColors | undefined {
  const [colors, setColors] = useState<LaneColors | undefined>(undefined);
  useEffect(() => {
    const read = (): void => {
      const pen = canvas.current?.getContext('2d', { alpha: false });
      if (at.current !== null && pen !== null && pen !== undefined) setColors(colorsAt(at.current, pen));
    };
    read();
    const query = matchMedia('(prefers-color-scheme: dark)');
    query.addEventListener('change', read);
    const observer = new MutationObserver(read);
    observer.observe(document.documentElement, { attributes: true });
    return () => {
      query.removeEventListener('change', read);
      observer.disconnect();
    };
  }, [at, canvas]);
  return colors;
}
