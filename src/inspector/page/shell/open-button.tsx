import { useRef } from 'preact/hooks';
import { usePage } from '../store/page.ts';
import { openFile } from './session-files.ts';

/** Asks for the file of a session and shows it. */
export function OpenButton({ text }: { readonly text: string }) {
  const page = usePage();
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" onClick={() => input.current?.click()}>
        {text}
      </button>
      <input
        ref={input}
        type="file"
        hidden
        aria-label={text}
        accept=".ndjson,.jsonl,.json"
        onChange={() => {
          const file = input.current?.files?.[0];
          if (file !== undefined) openFile(page, file);
          if (input.current !== null) input.current.value = '';
        }}
      />
    </>
  );
}
