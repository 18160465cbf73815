import type { RefObject } from 'preact';
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { centre, fit, type Point, READABLE, type Size, type Viewport, zoom } from './viewport.ts';

/** A viewport and what changes it. */
export interface ViewportControl {
  readonly viewport: Viewport;
  /** Larger by a factor, about the middle of the pane. */
  readonly zoomBy: (factor: number) => void;
  /** All of the chart; from then on the viewport keeps to it by itself. */
  readonly fitAll: () => void;
  /** Moves as little as is needed to bring a box into sight: `x y width height`. */
  readonly reveal: (box: readonly number[]) => void;
  /** Whether the last press of the pointer moved the chart, and so was no click. */
  readonly dragged: () => boolean;
}

/**
 * Pan by dragging and zoom by the wheel, in a pane. Until the user moves the chart it is fitted to the pane; where nothing
 * could be read then, it is shown larger, about `focus`.
 */
export function useViewport(
  pane: RefObject<SVGSVGElement | null>,
  chart: Size | undefined,
  focus: Point | undefined,
): ViewportControl {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  const [moved, setMoved] = useState<Viewport | 'all' | undefined>(undefined);
  const wasDragged = useRef(false);

  useLayoutEffect(() => {
    const element = pane.current;
    if (element === null) return undefined;
    const measure = (): void => setSize({ width: element.clientWidth, height: element.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [pane]);

  const viewport = typeof moved === 'object' ? moved : placed(chart, size, moved === 'all' ? undefined : focus);
  const current = useRef(viewport);
  current.current = viewport;

  useEffect(() => {
    const element = pane.current;
    if (element === null) return undefined;
    const onWheel = (event: WheelEvent): void => {
      event.preventDefault();
      const { left, top } = element.getBoundingClientRect();
      const speed = event.ctrlKey ? 0.01 : 0.0015;
      const about = { x: event.clientX - left, y: event.clientY - top };
      setMoved(zoom(current.current, Math.exp(-event.deltaY * speed), about));
    };
    let from: { readonly pointer: Point; readonly viewport: Viewport } | undefined;
    const onDown = (event: PointerEvent): void => {
      wasDragged.current = false;
      // Text is there to be selected.
      if (event.button !== 0 || (event.target as Element).closest('text') !== null) return;
      from = { pointer: { x: event.clientX, y: event.clientY }, viewport: current.current };
    };
    const onMove = (event: PointerEvent): void => {
      if (from === undefined) return;
      const [dx, dy] = [event.clientX - from.pointer.x, event.clientY - from.pointer.y];
      if (!wasDragged.current && Math.hypot(dx, dy) < 4) return;
      if (!wasDragged.current) element.setPointerCapture(event.pointerId);
      wasDragged.current = true;
      setMoved({ ...from.viewport, x: from.viewport.x + dx, y: from.viewport.y + dy });
    };
    const onUp = (): void => {
      from = undefined;
    };
    const ending = new AbortController();
    const { signal } = ending;
    element.addEventListener('wheel', onWheel, { passive: false, signal });
    element.addEventListener('pointerdown', onDown, { signal });
    element.addEventListener('pointermove', onMove, { signal });
    element.addEventListener('pointerup', onUp, { signal });
    element.addEventListener('pointercancel', onUp, { signal });
    return () => ending.abort();
  }, [pane]);

  const zoomBy = useCallback(
    (factor: number) => setMoved(zoom(current.current, factor, { x: size.width / 2, y: size.height / 2 })),
    [size],
  );
  const fitAll = useCallback(() => setMoved('all'), []);
  const reveal = useCallback(
    ([x = 0, y = 0, width = 0, height = 0]: readonly number[]) => {
      const { scale, ...at } = current.current;
      const dx = shift(at.x + x * scale, width * scale, size.width);
      const dy = shift(at.y + y * scale, height * scale, size.height);
      if (dx !== 0 || dy !== 0) setMoved({ x: at.x + dx, y: at.y + dy, scale });
    },
    [size],
  );
  return { viewport, zoomBy, fitAll, reveal, dragged: () => wasDragged.current };
}

function placed(chart: Size | undefined, pane: Size, focus: Point | undefined): Viewport {
  if (chart === undefined || pane.width === 0) return { x: 0, y: 0, scale: 1 };
  const all = fit(chart, pane);
  return focus === undefined || all.scale >= READABLE ? all : centre(focus, chart, pane, READABLE);
}

/** How far something must be moved along one side of the pane to be seen. */
function shift(start: number, length: number, room: number): number {
  const margin = 16;
  if (start < margin) return margin - start;
  return Math.min(0, Math.max(margin - start, room - margin - start - length));
}
