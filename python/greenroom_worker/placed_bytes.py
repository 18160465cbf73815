"""Bytes beside the JSON of a value, with their places there. Imported when a value has some."""

import json

# How many bytes one value may have, in all.
MAX_BYTES = 256 * 1024 * 1024


class Misplaced(ValueError):
    """Bytes that do not belong to the value that they came with."""


def write_places(placed):
    """The places as JSON, `[[path, length], …]`, of a list of (path, bytes)."""
    return json.dumps([(path, len(data)) for path, data in placed], separators=(",", ":")).encode("ascii")


def read_placed(text, data):
    """The list of (path, bytes) that `text`, written by `write_places`, says of `data`. Raises `Misplaced`."""
    try:
        places = json.loads(text)
    except (ValueError, RecursionError):
        raise Misplaced("its list of places is not JSON") from None
    placed, at = [], 0
    if not isinstance(places, list):
        raise Misplaced("its list of places is not a list")
    for place in places:
        if not (isinstance(place, list) and len(place) == 2 and isinstance(place[0], list) and is_count(place[1])):
            raise Misplaced("its list of places is not of the form [[path, length], …]")
        path, length = place
        if length > len(data) - at:
            raise Misplaced("its places take more bytes than there are")
        placed.append((path, bytes(data[at : at + length])))
        at += length
    if at != len(data):
        raise Misplaced("it has bytes without a place")
    return placed


def put_bytes(value, placed):
    """Puts each of a list of (path, bytes) in place of the null there; returns the value. Raises `Misplaced`."""
    for path, data in placed:
        if not path:
            if value is not None:
                raise Misplaced("there is no null for bytes at []")
            value = data
            continue
        holder = value
        for step in path[:-1]:
            holder = step_into(holder, step)
        if step_into(holder, path[-1]) is not None:
            raise Misplaced("there is no null for bytes at %.200s" % json.dumps(path))
        holder[path[-1]] = data
    return value


def step_into(holder, step):
    """The part of a dict or list that a step of a path leads to."""
    if isinstance(holder, list) and is_count(step) and step < len(holder):
        return holder[step]
    if isinstance(holder, dict) and isinstance(step, str) and step in holder:
        return holder[step]
    raise Misplaced("there is no place %.200s for bytes" % json.dumps(step))


def is_count(value):
    """Whether a value is an integer from 0 on."""
    return type(value) is int and value >= 0
