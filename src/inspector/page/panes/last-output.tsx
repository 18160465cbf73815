import { useLayoutEffect, useRef } from 'preact/hooks';
import './last-output.css';

/** The last lines that a worker printed before it died, scrolled to the latest: of what it died, that says most. */
export function LastOutput({ text }: { readonly text: string }) {
  const box = useRef<HTMLPreElement>(null);
  useLayoutEffect(() => {
    if (box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [text]);
  return (
    <>
      <h3 id="last-output">Last lines of its output</h3>
      <pre ref={box} class="code last-output" role="region" tabIndex={0} aria-labelledby="last-output">
        {text === '' ? '(none)' : text}
      </pre>
    </>
  );
}
