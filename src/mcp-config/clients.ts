/** A client of MCP whose configuration files are read. */
export interface Client {
  /** What messages call it. */
  readonly title: string;
  /** It fills in `${NAME}` and `${NAME:-default}` by its environment. Others pass them on as they are written. */
  readonly fillsNames: boolean;
  /** What its `timeout` counts in, in milliseconds. */
  readonly timeoutUnitMs: number;
}

/**
 * The clients, by their names in results. `unknown` stands for a file that neither its name nor its keys assign to one:
 * whatever any client fills in is filled in there.
 */
export const CLIENTS = {
  'claude-desktop': { title: 'Claude Desktop', fillsNames: false, timeoutUnitMs: 1 },
  'claude-code': { title: 'Claude Code', fillsNames: true, timeoutUnitMs: 1 },
  copilot: { title: 'Copilot', fillsNames: true, timeoutUnitMs: 1 },
  cursor: { title: 'Cursor', fillsNames: false, timeoutUnitMs: 1 },
  vscode: { title: 'VS Code', fillsNames: false, timeoutUnitMs: 1 },
  windsurf: { title: 'Windsurf', fillsNames: false, timeoutUnitMs: 1 },
  zed: { title: 'Zed', fillsNames: false, timeoutUnitMs: 1_000 },
  unknown: { title: 'an MCP client', fillsNames: true, timeoutUnitMs: 1 },
} as const satisfies Readonly<Record<string, Client>>;

/** The name of a client. */
export type ClientName = keyof typeof CLIENTS;
