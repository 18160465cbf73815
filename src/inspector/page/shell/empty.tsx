import type { ComponentChildren } from 'preact';

/** What {@link Empty} says. */
export interface EmptyProps {
  readonly title: string;
  readonly children?: ComponentChildren;
  /** The one thing to do. */
  readonly action?: { readonly text: string; readonly onClick: () => void } | undefined;
}

/** Where there is nothing to show: why, and one thing to do. */
export function Empty({ title, children, action }: EmptyProps) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children !== undefined && <p>{children}</p>}
      {action !== undefined && (
        <button type="button" onClick={action.onClick}>
          {action.text}
        </button>
      )}
    </div>
  );
}
