// Defining a plugin
export { definePlugin } from './define-plugin.ts';
export type {
  CallContext,
  JsonSchema,
  Plugin,
  PluginContext,
  PluginLog,
  PluginTool,
  Schema,
  ToolPlugin,
} from './plugin.ts';
export type { PluginErrorCategory, PluginErrorOptions } from './plugin-error.ts';
// Errors
export { PluginError } from './plugin-error.ts';
export type { StandardIssue, StandardResult, StandardSchema } from './standard-schema.ts';
