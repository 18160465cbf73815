"""
Values as JSON: a value is written exactly as it is, or refused with the place of the part that JSON would change.

What JSON does not know has a form where the value offers one: dataclasses, pydantic models, enums, paths, arrays.
"""

import enum
import json
import os
import threading

# How deep lists and dicts may be nested, the outermost counted: the limit of the host program too.
MAX_DEPTH = 500
# The most digits of an integer; Python itself refuses to read more, unless it is told otherwise.
MAX_DIGITS = 4300
MAX_INTEGER = 10**MAX_DIGITS - 1
MIN_INTEGER = -MAX_INTEGER
SIMPLE = frozenset((str, bool, float, type(None)))
BYTES = (bytes, bytearray, memoryview)
NOT_PLAIN = (dict, list, tuple, int, *BYTES)
# What must not be made twice of values of the `encode` that a thread is in, by thread and then by identity.
conversions = {}


class SerializeError(Exception):
    """A result that cannot be JSON; says what it is and where."""

    category = "input"
    # Tracebacks name it after the package.
    __module__ = __package__


class Unserializable(TypeError):
    """A value of a type that has no JSON form, or parts of one that have to be looked at closely."""


def plain(value):
    """Turns a value that JSON does not know into one that it does. Raises `Unserializable` where it cannot."""
    if not isinstance(value, type):
        if hasattr(value, "to_temp_file"):
            return remember(value, os.fspath(value.to_temp_file()))
        if hasattr(value, "__dataclass_fields__"):
            from dataclasses import fields

            return {field.name: getattr(value, field.name) for field in fields(value)}
        # `dict` last: pydantic keeps it beside `model_dump`, with a warning.
        for name in ("to_dict", "model_dump", "dict"):
            method = getattr(value, name, None)
            if callable(method):
                return method()
        if isinstance(value, (set, frozenset)):
            return list(value)
        if isinstance(value, enum.Enum):
            return value.value
        if hasattr(value, "__fspath__"):
            return os.fspath(value)
        # NumPy arrays and scalars, and tensors, without importing any of them.
        for name in ("isoformat", "tolist", "item"):
            method = getattr(value, name, None)
            if callable(method):
                return method()
    raise Unserializable("a value of type %s has no JSON form" % type(value).__qualname__)


def remember(value, result):
    """Keeps what a value was turned into for the rest of this `encode`, and returns it."""
    # With the value, so that its identity stays its own.
    conversions.setdefault(threading.get_ident(), {})[id(value)] = (value, result)
    return result


def plain_once(value):
    """The same as `plain`, but without asking a value again whose result was kept."""
    found = conversions.get(threading.get_ident(), {}).get(id(value))
    return plain(value) if found is None else found[1]


def is_plain(value, depth=MAX_DEPTH):
    """
    Whether the encoder writes `value` as it is, or hands its parts to `converted`. False only means that it has to be
    looked at closely.
    """
    kind = type(value)
    if kind is dict:
        for key in value:
            if type(key) is not str:
                return False
        items = value.values()
    elif kind is list or kind is tuple:
        items = value
    elif kind is int:
        return MIN_INTEGER <= value <= MAX_INTEGER
    else:
        return not isinstance(value, NOT_PLAIN)
    if not depth:
        return False
    for item in items:
        kind = type(item)
        if kind in SIMPLE:
            continue
        if kind is int:
            if not MIN_INTEGER <= item <= MAX_INTEGER:
                return False
        elif not is_plain(item, depth - 1):
            return False
    return True


def converted(value):
    """What the encoder writes for a value that JSON does not know."""
    result = plain(value)
    if not is_plain(result):
        remember(value, result)
        raise Unserializable
    return result


def encoder():
    """`json.dumps` for compact ASCII. Its encoder in C is made once, which saves half the cost of a small value."""
    slow = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=converted)
    try:
        # Without its table for finding cycles, which threads cannot share: `is_plain` and the depth limit find them.
        fast = json.encoder.c_make_encoder(
            None, converted, json.encoder.encode_basestring_ascii, None, ":", ",", False, False, False
        )
        if "".join(fast({"a": [1, "\xe9"]}, 0)) == slow.encode({"a": [1, "\xe9"]}):
            return lambda value: "".join(fast(value, 0))
    except TypeError:
        # This Python has no such encoder, or one with other parameters.
        pass
    return slow.encode


to_json = encoder()


def encode(value, where="result", placed=None):
    """
    JSON as bytes (ASCII) that says exactly `value`. What it has of bytes is null there, and is added to the list
    `placed` as (path, bytes); without such a list it is refused. Raises `SerializeError` with the place of a part that
    JSON would change or cannot say, and every exception that the plugin's own methods raise.
    """
    try:
        try:
            if is_plain(value):
                return to_json(value).encode("ascii")
        except (SerializeError, TypeError, ValueError, OverflowError, RecursionError) as error:
            reason = error
        else:
            reason = None
        from .exact_copy import ExactCopy

        try:
            return to_json(ExactCopy(where, placed).of(value)).encode("ascii")
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise SerializeError("%s: %s" % (where, reason or error)) from None
    finally:
        if conversions:
            conversions.pop(threading.get_ident(), None)
