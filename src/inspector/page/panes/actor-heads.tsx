import { usePage } from '../store/page.ts';

const HEADS = ['memory', 'cpu', 'calls', 'errors', 'crash'] as const;
const TITLES = { memory: 'Memory', cpu: 'CPU', calls: 'Calls', errors: 'Errors', crash: 'Last crash' } as const;

/** The heads of the overview's columns, with what all plugins together have of it. */
export function ActorHeads() {
  const page = usePage();
  void page.moment.value;
  return (
    <div class="actor-heads">
      <div class="actor-main">Plugin</div>
      {HEADS.map((name) => (
        <div key={name} class={`actor-cell actor-cell-${name}`}>
          {TITLES[name]}
        </div>
      ))}
    </div>
  );
}
