"""The answer to `GET /tools`: each tool, with what its signature, its hints and its docstring say of it."""

from collections.abc import Awaitable, Coroutine

from .docstrings import first_paragraph
from .errors import attribute, repr_of, text_of, type_name
from .functions import signature_of
from .hints import ITERABLES, hints_of, kind_of, scope_of_function
from .input_schemas import ANYTHING, either, input_schema
from .json_values import encode
from .log import write_log
from .tools import EXECUTE, EXECUTE_STREAM
from .type_schemas import TypeSchemas

AWAITABLES = (Awaitable, Coroutine)
ANNOTATIONS = ("read_only", "idempotent", "destructive")


def tool_list(plugin, tools):
    """Describes the tools of the plugin. Runs code of the plugin: its hints, and the classes in them."""
    annotations = declared_annotations(plugin, tools)
    return {"tools": [{**described(tool, plugin), **annotations.get(tool.name, {})} for tool in tools]}


def described(tool, plugin):
    """One tool as the protocol has it; with its name alone where it cannot be described."""

    def note(text):
        write_log("greenroom: the tool %s of %s: %s\n" % (tool.name, type_name(plugin), text))

    try:
        description = description_of(tool, plugin, note)
        encode(description)
        return description
    except Exception as error:
        note("it has no description: %s" % text_of(error))
        return {"name": tool.name}


def description_of(tool, plugin, note):
    """The description of one tool. Raises what the plugin's own code raises."""
    owner = type(plugin)
    stream = attribute(plugin, EXECUTE_STREAM) if tool.name == EXECUTE else None
    signatures = [signature_of(function) for function in (tool.described, stream) if callable(function)] or [None]
    inputs, results = TypeSchemas(note), TypeSchemas(note, is_result=True)
    takes = either([input_schema(signature, owner, inputs) for signature in signatures])
    if tool.name != EXECUTE and takes == ANYTHING:
        note("any arguments are taken: its function, or a decorator without functools.wraps, does not name them")
    streams = tool.streams or callable(stream)
    returns = output_schema(signatures[-1], owner, streams, results)
    whole = {"name": tool.name}
    description = "" if signatures[0] is None else first_paragraph(attribute(signatures[0].function, "__doc__"))
    if description:
        whole["description"] = description
    whole["input_schema"] = inputs.whole(takes)
    if returns:
        whole["output_schema"] = results.whole(returns)
    if streams:
        whole["streams"] = True
    return whole


def output_schema(signature, owner, streams, types):
    """The schema of what a method returns, or of each chunk where it streams; `{}` where no hint says it."""
    hints = {} if signature is None else hints_of(signature.function)
    if "return" not in hints:
        return {}
    hint, scope = hints["return"], scope_of_function(signature.function, owner)
    try:
        hint = scope.evaluate(hint) if isinstance(hint, str) else hint
    except Exception:
        # For its note.
        return types.of(hint, scope)
    while streams and hasattr(hint, "__metadata__"):
        hint = hint.__origin__
    kind, args = kind_of(hint), attribute(hint, "__args__") or ()
    if kind in AWAITABLES and args:
        return types.of(args[-1], scope)
    if not streams:
        return types.of(hint, scope)
    return types.of(args[0], scope) if kind in ITERABLES and args else {}


def declared_annotations(plugin, tools):
    """What the class says of its tools in `tool_annotations`, as far as it has the right form."""

    def refuse(fault):
        write_log("greenroom: a part of tool_annotations of %s is ignored: %s\n" % (type_name(plugin), fault))

    found = {}
    declared = attribute(type(plugin), "tool_annotations", {})
    if not isinstance(declared, dict):
        refuse("expected a dict by tool, got %.100s" % repr_of(declared))
        return found
    for name, values in declared.items():
        if name not in tools.names:
            refuse("there is no tool %.100s; the tools are %s" % (repr_of(name), ", ".join(tools.names)))
        elif not isinstance(values, dict):
            refuse("%s: expected a dict, got %.100s" % (name, repr_of(values)))
        else:
            found[name] = {key: value for key, value in values.items() if key in ANNOTATIONS and isinstance(value, bool)}
            if len(found[name]) < len(values):
                refuse("%s: expected True or False for %s; got %.200s" % (name, ", ".join(ANNOTATIONS), repr_of(values)))
    return found
