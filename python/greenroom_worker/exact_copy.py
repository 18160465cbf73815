"""A close look at a value that is not plain JSON. Imported when there is one: most values are written without it."""

import json
import math
import sys

from .json_values import BYTES, MAX_DEPTH, MAX_DIGITS, SerializeError, Unserializable, plain_once
from .placed_bytes import MAX_BYTES

LEAVES = (str, int, float, *BYTES)
# Any process may write an integer between these.
SMALL = 10**600
MIN_SMALL = -SMALL


class ExactCopy:
    """
    Copies one value so that the encoder writes the copy as it is, or refuses it with the place of the part that JSON
    would change. Bytes are taken out, and added to `placed` with their paths; where that is None they are refused.
    """

    def __init__(self, where, placed):
        self._where = where
        self._placed = placed
        self._size = 0
        self._path = []
        # The values around the current one, by identity, outermost first.
        self._around = []

    def of(self, value):
        """The copy. Raises `SerializeError`, and every exception that the plugin's own methods raise."""
        kind = type(value)
        if kind is str or kind is int and MIN_SMALL < value < SMALL:
            return value
        path, around = self._path, self._around
        depth = len(around)
        # One frame of Python for a level, so that its own limit is not met before ours.
        while True:
            if value is None or isinstance(value, LEAVES):
                copy = self._leaf(value)
                break
            self._enter(value)
            if isinstance(value, dict):
                copy = {}
                for key, item in value.items():
                    name = self._name(key, copy)
                    path.append(name)
                    copy[name] = self.of(item)
                    path.pop()
                break
            if isinstance(value, (list, tuple)):
                copy = []
                for index, item in enumerate(value):
                    path.append(index)
                    copy.append(self.of(item))
                    path.pop()
                break
            try:
                value = plain_once(value)
            except Unserializable as error:
                raise self._fault(": %s" % error) from None
        del around[depth:]
        return copy

    def _enter(self, value):
        if id(value) in self._around:
            raise self._fault(" contains itself")
        if len(self._around) == MAX_DEPTH:
            raise SerializeError("%.200s… is nested deeper than %d levels" % (self._place(), MAX_DEPTH))
        self._around.append(id(value))

    def _leaf(self, value):
        if isinstance(value, BYTES):
            return self._bytes(value)
        if isinstance(value, int) and is_too_big(value):
            raise self._fault(" is %s, which has too many digits; return it as hex(value)" % big(value))
        if isinstance(value, float) and not math.isfinite(value):
            raise self._fault(" is %r, which JSON cannot express; return None or a str" % value)
        return value

    def _name(self, key, copy):
        """The name that JSON has for a key: a str itself, the digits of an int."""
        if isinstance(key, str):
            name = str.__str__(key)
        elif not isinstance(key, int) or isinstance(key, bool):
            raise self._fault(" has a key of type %s; keys must be str or int" % type(key).__qualname__)
        elif is_too_big(key):
            raise self._fault(" has %s as a key; make it a str" % big(key))
        else:
            name = int.__repr__(key)
        if name in copy:
            raise self._fault(" has two keys that JSON would write as %s; give them other names" % json.dumps(name))
        return name

    def _bytes(self, value):
        if self._placed is None:
            raise self._fault(
                ": bytes cannot be sent here: version 1 of the worker protocol, the config and the descriptions of tools "
                "carry only JSON; encode them as base64, or write them to a file and return its path"
            )
        try:
            with memoryview(value) as view:
                self._size += view.nbytes
                if self._size > MAX_BYTES:
                    raise self._fault(
                        " brings the bytes of one value to more than %d MiB; return them in pieces, as chunks of a "
                        "stream, or as the path of a file" % (MAX_BYTES // 2**20)
                    )
                # A copy of what may change.
                data = value if type(value) is bytes else view.tobytes()
        except (ValueError, BufferError) as error:
            raise self._fault(": its bytes cannot be read: %s" % error) from None
        self._placed.append((tuple(self._path), data))
        return None

    def _place(self):
        return self._where + "".join("[%d]" % step if isinstance(step, int) else ".%s" % step for step in self._path)

    def _fault(self, text):
        return SerializeError(self._place() + text)


def is_too_big(value):
    """Whether an integer has more digits than one may have, or than this process may write."""
    if MIN_SMALL < value < SMALL:
        return False
    allowed = getattr(sys, "get_int_max_str_digits", int)() or MAX_DIGITS
    return abs(value) >= 10 ** min(allowed, MAX_DIGITS)


def big(value):
    """An integer that is too long to be written, for a message."""
    return "an integer of %d bits" % value.bit_length()
