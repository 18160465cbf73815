"""
Runs one Greenroom plugin class in a process of its own and speaks the worker protocol, versions 1 and 2.

Standard library only, Python 3.9 or newer: it runs under any interpreter, with nothing installed there. The host
program starts an interpreter that imports this package and calls `main`.

Plugin code runs on the main thread, as sqlite3 objects, `signal.signal` and CUDA contexts want it. Where calls come one at
a time as frames, it reads them itself; HTTP, `/health`, `/cancel` and the lifeline have threads of their own. Every import
is paid for at each start: modules that only some plugins need (asyncio, traceback, and typing for the description of
tools) are imported when they are needed.

# Layout

From the top down; a module imports only from those below it:

- `boot`: the start, from the boot line to the handshake.
- `load_plugin`: imports the plugin's module, finds its class, makes an instance.
- `server`: lets in requests of the host program. `routes`: what each request does. `http_answer`: how a call of version 1
  is answered. `connection`: one HTTP connection.
- `frame_server`: takes connections for calls of version 2. `frame_connection`: one of them. `frame_answer`: how its calls
  are answered; `flat_chunks`: chunks that are written together. `frames`: the form of frames.
- `listening`: sockets that listen, and a thread for each client.
- `tool_list`: the description of the tools. `input_schemas`, `type_schemas`: parameters and hints as JSON Schema.
  `hints`, `docstrings`: what a plugin writes beside its code. None of them is imported before it is asked for.
- `loaded_code`: which files the plugin's modules were loaded from; imported when it is asked for.
- `worker`: the plugin and the threads that run its code. `main_thread`: what the main thread does.
- `progress`, `calls`, `event_loops`: progress, the calls that wait or run, what is awaited.
- `call_request`: the call that a body asks for. `call`: one call, from its arguments to its answer. `answer`: what its
  answers over HTTP and in frames share.
- `tools`: which tools there are, and how the plugin is called for each. `functions`: the parameters of a function.
- `process`: how the process ends, and forked children. `log`: the log. `standard_streams`: input and output.
- `errors`: exceptions as errors of the protocol. `json_values`: values as JSON, exactly or not at all; `exact_copy`: those
  that need a close look.
- `placed_bytes`: bytes beside the JSON of a value.
- `light_imports`: parts of the standard library, without the rest of their modules.
"""

from .boot import main

__all__ = ["main"]
