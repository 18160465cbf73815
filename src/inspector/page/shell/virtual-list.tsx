import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

/** What {@link VirtualList} shows. */
export interface VirtualListProps<Item> {
  readonly items: readonly Item[];
  /** Of every row, in pixels. */
  readonly rowHeight: number;
  readonly role: 'tree' | 'listbox' | 'table';
  readonly label: string;
  readonly children: (item: Item, index: number) => ComponentChildren;
  /** The place of the row that has to be in sight whenever it changes. */
  readonly reveal?: number | undefined;
  /** How many rows were put before the first since the beginning: those in sight stay where they are when it changes. */
  readonly shift?: number | undefined;
  /** The first or the last row is near to what is in sight. */
  readonly onNear?: ((end: 'before' | 'after') => void) | undefined;
  /** Whether the end is to stay in sight. */
  readonly follows?: boolean | undefined;
  /** What the keys do that are pressed in the list. */
  readonly keys?: Readonly<Record<string, () => void>> | undefined;
  /** The user has scrolled away from the end, or back to it. */
  readonly onFollow?: ((follows: boolean) => void) | undefined;
}

/** So many rows more than are in sight are there. */
const SPARE = 6;

/** A list of any length, of which only the rows in sight are in the document. */
export function VirtualList<Item>(props: VirtualListProps<Item>) {
  const { items, rowHeight, role, label, children, reveal, shift = 0, follows = false, keys, onFollow, onNear } = props;
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  const placed = useRef(0);
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => entry !== undefined && setHeight(entry.contentRect.height));
    if (box.current !== null) observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  const scrollTo = (to: number): void => {
    if (box.current === null) return;
    box.current.scrollTop = to;
    placed.current = box.current.scrollTop;
    setTop(placed.current);
  };
  const shifted = useRef(shift);
  useLayoutEffect(() => {
    const by = shift - shifted.current;
    shifted.current = shift;
    if (by !== 0 && box.current !== null) scrollTo(box.current.scrollTop + by * rowHeight);
  }, [shift, rowHeight]);
  useLayoutEffect(() => {
    if (follows) scrollTo(items.length * rowHeight);
  }, [follows, items.length, rowHeight, height]);
  useLayoutEffect(() => {
    const element = box.current;
    if (reveal === undefined || reveal < 0 || element === null) return;
    const [start, end] = [reveal * rowHeight, (reveal + 1) * rowHeight];
    if (start < element.scrollTop) scrollTo(start - rowHeight * 2);
    else if (end > element.scrollTop + element.clientHeight) scrollTo(end - element.clientHeight + rowHeight * 2);
  }, [reveal === undefined ? undefined : reveal - shift, rowHeight, height]);
  const onScroll = (): void => {
    const element = box.current;
    if (element === null) return;
    setTop(element.scrollTop);
    if (Math.abs(element.scrollTop - placed.current) < 2) return;
    placed.current = element.scrollTop;
    onFollow?.(element.scrollTop + element.clientHeight >= element.scrollHeight - rowHeight);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const act = event.target === box.current ? keys?.[event.key] : undefined;
    if (act === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  };
  const first = Math.max(0, Math.floor(top / rowHeight) - SPARE);
  const last = Math.min(items.length, Math.ceil((top + height) / rowHeight) + SPARE);
  const [isAtStart, isAtEnd] = [first === 0, last === items.length];
  useEffect(() => {
    if (isAtStart) onNear?.('before');
    if (isAtEnd) onNear?.('after');
  }, [isAtStart, isAtEnd, items.length]);
  return (
    <div
      ref={box}
      class="virtual"
      role={role}
      aria-label={label}
      tabIndex={0}
      onScroll={onScroll}
      onKeyDown={onKeyDown}
      {...(role === 'table' && { 'aria-rowcount': items.length })}
    >
      <div class="virtual-space" role="presentation" style={{ height: `${items.length * rowHeight}px` }}>
        <div
          class="virtual-window"
          role={role === 'table' ? 'rowgroup' : role === 'tree' ? 'group' : 'presentation'}
          style={{ transform: `translateY(${first * rowHeight}px)` }}
        >
          {items.slice(first, last).map((item, index) => children(item, first + index))}
        </div>
      </div>
    </div>
  );
}
