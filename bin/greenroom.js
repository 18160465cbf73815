#!/usr/bin/env node
await (process.argv[2] === 'mcp' ? import('../dist/cli/mcp.js') : import('../dist/cli/main.js'));
