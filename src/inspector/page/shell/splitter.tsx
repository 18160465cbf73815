import { useEffect, useState } from 'preact/hooks';

/** A size of the layout, in pixels, that the user may change and that is kept. */
export interface SplitterProps {
  /** Its custom property in the stylesheet is `--NAME-size`. */
  readonly name: 'right' | 'lanes' | 'details';
  readonly label: string;
  readonly initial: number;
  readonly min: number;
  readonly max: number;
  /** The way the pointer goes for it to grow. */
  readonly grows: 'right' | 'left' | 'up' | 'down';
}

const STEP = 24;

/** The line between two panes: to drag, or to move by the arrow keys. */
export function Splitter({ name, label, initial, min, max, grows }: SplitterProps) {
  const key = `greenroom-size-${name}`;
  const [size, setSize] = useState(() => clamp(Number(localStorage.getItem(key) ?? initial), min, max));
  useEffect(() => {
    document.documentElement.style.setProperty(`--${name}-size`, `${size}px`);
    localStorage.setItem(key, String(size));
  }, [name, key, size]);
  const isVertical = grows === 'left' || grows === 'right';
  const sign = grows === 'right' || grows === 'down' ? 1 : -1;
  const grow = (by: number): void => setSize((known) => clamp(known + by, min, max));
  const onPointerDown = (event: PointerEvent): void => {
    const line = event.currentTarget as HTMLElement;
    const start = isVertical ? event.clientX : event.clientY;
    const onMove = (moved: PointerEvent): void =>
      setSize(clamp(size + sign * ((isVertical ? moved.clientX : moved.clientY) - start), min, max));
    const onEnd = (): void => line.removeEventListener('pointermove', onMove);
    line.setPointerCapture(event.pointerId);
    line.addEventListener('pointermove', onMove);
    line.addEventListener('lostpointercapture', onEnd, { once: true });
    event.preventDefault();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const [less, more] = isVertical ? ['ArrowLeft', 'ArrowRight'] : ['ArrowUp', 'ArrowDown'];
    if (event.key !== less && event.key !== more) return;
    grow((event.key === more ? STEP : -STEP) * sign);
    event.preventDefault();
  };
  return (
    // A separator that can be moved is a widget, and has to be reached by the keyboard.
    <div
      class={`splitter splitter-${name}`}
      role="separator"
      tabIndex={0}
      aria-label={label}
      aria-orientation={isVertical ? 'vertical' : 'horizontal'}
      aria-valuenow={Math.round(size)}
      aria-valuemin={min}
      aria-valuemax={max}
      onPointerDown={onPointerDown}
      onKeyDown={onKeyDown}
      onDblClick={() => setSize(initial)}
    />
  );
}

const clamp = (size: number, min: number, max: number): number =>
  Number.isFinite(size) ? Math.min(Math.max(size, min), max) : min;
