"""What a call asks for, whichever way it came. Every fault is a `RequestError`."""

import json

from .call import Call
from .tools import EXECUTE

# What `json.loads` does, without its search for space, which costs more than a small body itself.
scan = json.JSONDecoder().scan_once


class RequestError(Exception):
    """A request that is wrong itself, and is answered with this error rather than one of the plugin."""

    def __init__(self, status, type_, message):
        super().__init__(message)
        self.status = status
        self.wire = {"type": type_, "message": message, "category": "input", "retryable": False}


def parse(text):
    """The JSON object of a body."""
    try:
        try:
            value, end = scan(text, 0)
        except StopIteration:
            end = -1
        if end != len(text):
            # There is space around it, or a fault that this one tells.
            value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError(400, "BadRequest", "the body is not JSON: %s" % error) from None
    if not isinstance(value, dict):
        raise RequestError(400, "BadRequest", "the body must be a JSON object")
    return value


def parse_placed(text, places, data):
    """The same, with the bytes in their places, which are a text too."""
    value = parse(text)
    if not places and not data:
        return value
    from .placed_bytes import Misplaced, put_bytes, read_placed

    try:
        return put_bytes(value, read_placed(places, data))
    except Misplaced as error:
        raise RequestError(400, "BadRequest", "the bytes of the body do not fit it: %s" % error) from None


def call_of(worker, value, stream, answer_of):
    """The call that a body asks for; `answer_of(id)` makes its answer."""
    id_, name, args, kwargs = value.get("call"), value.get("tool"), value.get("args", []), value.get("kwargs", {})
    if name is None:
        name = EXECUTE
    if not (isinstance(id_, str) and id_ and isinstance(name, str) and isinstance(args, list) and isinstance(kwargs, dict)):
        message = 'a call must be {"call": string, "tool": string, "args": list, "kwargs": object}, with or without "tool"'
        raise RequestError(400, "BadRequest", message)
    tool = worker.tools.get(name)
    if tool is None:
        message = "There is no tool %s; the tools are %s." % (json.dumps(name), ", ".join(worker.tools.names))
        raise RequestError(400, "UnknownTool", message)
    traceparent = value.get("traceparent")
    if not isinstance(traceparent, str):
        # Another form is ignored, as W3C Trace Context wants it: no call fails for how it is traced.
        traceparent = None
    return Call(worker, answer_of(id_), id_, tool, args, kwargs, stream, traceparent)
