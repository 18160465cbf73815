import { useEffect, useState } from 'preact/hooks';
import type { Json } from '../../wire.ts';
import type { PageCallRequest, ToolChoice, ToolsAnswer } from '../../wire-calls.ts';
import { timeText } from '../store/format.ts';
import { usePage } from '../store/page.ts';
import { type FormField, flatFields, inputOf } from './flat-schema.ts';
import { callPlugin, type PageCall, pageCalls } from './page-calls.ts';
import { PageResult } from './page-result.tsx';
import { curlText, javaScriptText } from './snippets.ts';

const DEFAULT_TOOL = 'execute';

/** Calls a plugin: its tool, its input as a form or as JSON, what came of it, and what was called before. */
export function CallForm({ plugin }: { readonly plugin: string }) {
  const page = usePage();
  const tools = useTools(plugin, page.token);
  const [chosen, setTool] = useState<string | undefined>(undefined);
  const [text, setText] = useState('{}');
  const [typed, setTyped] = useState<Readonly<Record<string, string>>>({});
  const [asJson, setAsJson] = useState(false);
  const [stream, setStream] = useState<boolean | undefined>(undefined);
  const [fault, setFault] = useState('');
  const [shown, setShown] = useState<number | undefined>(undefined);
  const tool = chosen ?? tools?.[0]?.name ?? DEFAULT_TOOL;
  const known = tools?.find(({ name }) => name === tool);
  const fields = flatFields(known?.input);
  const isForm = fields !== undefined && !asJson;
  // Of `execute` it says only that the plugin can.
  const isStream = stream ?? (tool !== DEFAULT_TOOL && known?.streams === true);
  const own = pageCalls.value.filter(({ request }) => request.plugin === plugin);
  const call = own.find(({ id }) => id === shown) ?? own[0];
  const running = own.find(({ state }) => state === 'running');

  /** The call as it was typed; undefined where that is no JSON, which is said. */
  const request = (): PageCallRequest | undefined => {
    try {
      const input = isForm ? inputOf(fields, typed) : text.trim() === '' ? undefined : (JSON.parse(text) as Json);
      setFault('');
      return { plugin, tool, input, stream: isStream };
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      setFault(isForm ? why : `The input is not JSON: ${why}`);
      return undefined;
    }
  };
  const make = (made: PageCallRequest | undefined): void => {
    if (made === undefined) return;
    setFault(callPlugin(page, made) ?? '');
    setShown(undefined);
  };
  const copy = (textOf: typeof curlText): void => {
    const made = request();
    if (made === undefined) return;
    navigator.clipboard.writeText(textOf(made, location)).then(
      () => setFault('Copied. Set $GREENROOM_TOKEN before you run it.'),
      () => setFault('The browser does not allow copying'),
    );
  };
  const edit = ({ request: { tool: former, input, stream: streams } }: PageCall): void => {
    setTool(former);
    setAsJson(true);
    setText(JSON.stringify(input ?? {}, undefined, 2));
    setStream(streams);
  };
  const toggleJson = (): void => {
    // What was typed into the form goes on as JSON.
    if (isForm) setText(JSON.stringify(inputOf(fields, typed), undefined, 2));
    setAsJson(!asJson);
  };
  return (
    <form
      class="call-form"
      onSubmit={(event) => {
        event.preventDefault();
        make(request());
      }}
    >
      <div class="call-form-head">
        <ToolField tools={tools} tool={tool} onChoose={setTool} />
        <label>
          <input type="checkbox" checked={isStream} onChange={(event) => setStream(event.currentTarget.checked)} /> as a
          stream
        </label>
        {fields !== undefined && (
          <button type="button" class="small" aria-pressed={!isForm} onClick={toggleJson}>
            JSON
          </button>
        )}
      </div>
      {known?.description !== undefined && <p class="muted">{known.description}</p>}
      {isForm ? (
        fields.map((field) => (
          <Field
            key={`${tool} ${field.name}`}
            field={field}
            value={typed[field.name] ?? ''}
            onType={(value) => setTyped({ ...typed, [field.name]: value })}
          />
        ))
      ) : (
        <textarea
          aria-label="Input as JSON"
          rows={5}
          spellcheck={false}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
            event.preventDefault();
            make(request());
          }}
        />
      )}
      <div class="buttons">
        <button type="submit" class="small primary">
          Call
        </button>
        {running !== undefined && (
          <button type="button" class="small" onClick={() => running.cancel()}>
            Cancel
          </button>
        )}
        <button type="button" class="small" onClick={() => copy(curlText)}>
          Copy as curl
        </button>
        <button type="button" class="small" onClick={() => copy(javaScriptText)}>
          Copy as JavaScript
        </button>
        <span role="status">{fault}</span>
      </div>
      {call !== undefined && <PageResult call={call} />}
      {own.length > 0 && (
        <>
          <h3>Called from this page</h3>
          <ol class="page-calls" aria-label="Called from this page">
            {own.map((each) => (
              <li key={each.id} data-state={each.state} aria-current={each === call ? 'true' : undefined}>
                <button type="button" class="small mono" onClick={() => setShown(each.id)}>
                  {timeText(each.at)} {each.request.tool} {each.state}
                </button>
                <button type="button" class="small" onClick={() => make(each.request)}>
                  Again
                </button>
                <button type="button" class="small" onClick={() => edit(each)}>
                  Edit
                </button>
              </li>
            ))}
          </ol>
        </>
      )}
    </form>
  );
}

interface ToolFieldProps {
  readonly tools: readonly ToolChoice[] | undefined;
  readonly tool: string;
  readonly onChoose: (tool: string) => void;
}

/** The tool: one of those that are known, or any where none are. */
function ToolField({ tools, tool, onChoose }: ToolFieldProps) {
  if (tools === undefined || tools.length === 0)
    return (
      <label>
        Tool{' '}
        <input
          type="text"
          value={tool}
          title="Its tools are known once it has run."
          onInput={(event) => onChoose(event.currentTarget.value)}
        />
      </label>
    );
  return (
    <label>
      Tool{' '}
      <select class="small" value={tool} onChange={(event) => onChoose(event.currentTarget.value)}>
        {tools.map(({ name }) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

interface FieldProps {
  readonly field: FormField;
  readonly value: string;
  readonly onType: (value: string) => void;
}

function Field({ field: { name, kind, isRequired, isSecret, description, choices }, value, onType }: FieldProps) {
  const values = kind === 'flag' ? ['true', 'false'] : choices;
  return (
    <label class="call-field">
      <span>
        {name}
        {isRequired && <span class="muted"> required</span>}
      </span>
      {values.length > 0 ? (
        <select class="small" value={value} onChange={(event) => onType(event.currentTarget.value)}>
          <option value="">not given</option>
          {values.map((each) => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </select>
      ) : (
        <input
          {...(isSecret ? { type: 'password' } : { type: 'text', inputMode: kind === 'number' ? 'decimal' : 'text' })}
          autocomplete="off"
          value={value}
          onInput={(event) => onType(event.currentTarget.value)}
        />
      )}
      {description !== undefined && <span class="muted">{description}</span>}
    </label>
  );
}

/** The tools of a plugin; undefined while they are not known. */
function useTools(plugin: string, token: string | undefined): readonly ToolChoice[] | undefined {
  const [tools, setTools] = useState<readonly ToolChoice[] | undefined>(undefined);
  const ended = pageCalls.value.filter(({ state }) => state !== 'running').length;
  // They may be known once it has run.
  useEffect(() => {
    if (tools !== undefined) return undefined;
    const asked = new AbortController();
    const headers = { authorization: `Bearer ${token ?? ''}` };
    fetch(`api/tools/${encodeURIComponent(plugin)}`, { headers, signal: asked.signal })
      .then(async (response) => response.ok && setTools(((await response.json()) as ToolsAnswer).tools))
      .catch(() => {});
    return () => asked.abort();
  }, [plugin, token, ended, tools]);
  return tools;
}
