"""
Values as JSON: a value is written exactly as it is, or refused with the place of the part that JSON would change.

What JSON does not know has a form where the value offers one: dataclasses, pydantic models, enums, paths, arrays.
"""

import enum
import json
import math
import os

# How deep lists and dicts may be nested, the outermost counted: the limit of the host program too.
MAX_DEPTH = 500
# Beyond this, a number in JavaScript is rounded.
MAX_INTEGER = 2**53 - 1
SIMPLE = frozenset((str, bool, float, type(None)))


class SerializeError(Exception):
    """A result that cannot be JSON; says what it is and where."""

    category = "input"
    # Tracebacks name it after the package.
    __module__ = __package__


class Unserializable(TypeError):
    """A value of a type that has no JSON form."""


def plain(value):
    """Turns a value that JSON does not know into one that it does. Raises `Unserializable` where it cannot."""
    if not isinstance(value, type):
        if hasattr(value, "to_temp_file"):
            return os.fspath(value.to_temp_file())
        if hasattr(value, "__dataclass_fields__"):
            from dataclasses import fields

            return {field.name: getattr(value, field.name) for field in fields(value)}
        # `dict` last: pydantic keeps it beside `model_dump`, with a warning.
        for name in ("to_dict", "model_dump", "dict"):
            method = getattr(value, name, None)
            if callable(method):
                return method()
        if isinstance(value, (bytes, bytearray, memoryview)):
            raise Unserializable("bytes have no JSON form: write them to a file and return its path, or encode them as base64")
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


def is_plain(value, depth=MAX_DEPTH):
    """
    Whether the encoder writes `value` as it is, or hands its parts to `converted`. False only means that `explain` has
    to look closely.
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
        return -MAX_INTEGER <= value <= MAX_INTEGER
    else:
        return not isinstance(value, (dict, list, tuple, int))
    if not depth:
        return False
    for item in items:
        kind = type(item)
        if kind in SIMPLE:
            continue
        if kind is int:
            if not -MAX_INTEGER <= item <= MAX_INTEGER:
                return False
        elif not is_plain(item, depth - 1):
            return False
    return True


def converted(value):
    """What the encoder writes for a value that JSON does not know."""
    value = plain(value)
    if not is_plain(value):
        explain(value, "the value", (), False)
    return value


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


def encode(value, where="result"):
    """
    JSON as bytes that says exactly `value`. Raises `SerializeError` with the place of a part that JSON would change or
    cannot say, and every exception that the plugin's own methods raise.
    """
    try:
        if not is_plain(value):
            explain(value, where, (), False)
        return to_json(value).encode("ascii")
    except (SerializeError, TypeError, ValueError, OverflowError, RecursionError) as error:
        try:
            explain(value, where, ())
        except RecursionError:
            pass
        raise SerializeError("%s: %s" % (where, error)) from None


def explain(value, where, parents, convert=True):
    """
    Raises `SerializeError` for the first part of `value` that JSON would change or cannot say. With `convert`, values
    that JSON does not know are converted, and the parts of the results are checked too.
    """
    if value is None or isinstance(value, (str, bool)):
        return
    if isinstance(value, int):
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise SerializeError("%s is %s; return it as str(value)" % (where, big(value)))
        return
    if isinstance(value, float):
        if not math.isfinite(value):
            raise SerializeError("%s is %r, which JSON cannot express; return None or a str" % (where, value))
        return
    if id(value) in parents:
        raise SerializeError("%s contains itself" % where)
    if len(parents) == MAX_DEPTH:
        raise SerializeError("%.200s… is nested deeper than %d levels" % (where, MAX_DEPTH))
    parents += (id(value),)
    if isinstance(value, dict):
        names = set()
        for key, item in value.items():
            name = name_of(key, where)
            if name in names:
                raise SerializeError("%s has two keys that JSON would write as %s; give them other names" % (where, json.dumps(name)))
            names.add(name)
            explain(item, "%s.%s" % (where, name), parents, convert)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            explain(item, "%s[%d]" % (where, index), parents, convert)
    elif convert:
        try:
            value = plain(value)
        except Unserializable as error:
            raise SerializeError("%s: %s" % (where, error)) from None
        explain(value, where, parents)


def big(value):
    """An integer that JavaScript would round, for a message."""
    # Python refuses to write an integer of several thousand digits.
    digits = "%d" % value if value.bit_length() < 256 else "an integer of %d bits" % value.bit_length()
    return "%s, beyond the 2^53 - 1 that a number in JavaScript holds exactly" % digits


def name_of(key, where):
    """The name that JSON has for a key: a str itself, the digits of an int."""
    if isinstance(key, str):
        return str.__str__(key)
    if isinstance(key, int) and not isinstance(key, bool):
        try:
            return int.__repr__(key)
        except ValueError:
            raise SerializeError("%s has %s as a key; make it a str" % (where, big(key))) from None
    raise SerializeError("%s has a key of type %s; keys must be str or int" % (where, type(key).__qualname__))
