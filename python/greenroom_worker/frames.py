"""The frames of version 2 of the protocol: their form, and a reader that cuts them out of what comes."""

from .listening import Closed
from .placed_bytes import write_places

HELLO, EXECUTE, STREAM, FETCH = range(1, 5)
WELCOME, PROGRESS, CHUNKS, RESULT, END, ERROR, LARGE = range(16, 23)

# A head is five numbers of 32 bits, the lowest byte first: type, call, and the lengths of text, places and bytes.
HEAD_BYTES = 20
WORD = 0xFFFFFFFF
MAX_TEXT_BYTES = 256 * 1024 * 1024
MAX_PLACES_BYTES = 16 * 1024 * 1024
MAX_BYTES = 256 * 1024 * 1024
# The longest frame of a connection that many calls share, its head not counted.
MAX_SHARED_BYTES = 256 * 1024

BUFFER_BYTES = 64 * 1024
# As much is allocated for what a client only claims to send.
FIRST_BYTES = 1024 * 1024


class BadFrame(Exception):
    """What has come is no frame, or not one that may come there."""


def frame(type_, call, text=b"", placed=()):
    """A frame in parts, to be sent one after the other: its head with text and places, then the bytes."""
    if not placed:
        return [(type_ | call << 32 | len(text) << 64).to_bytes(HEAD_BYTES, "little") + text]
    places, size = write_places(placed), sum(len(data) for _, data in placed)
    head = type_ | call << 32 | len(text) << 64 | len(places) << 96 | size << 128
    return [head.to_bytes(HEAD_BYTES, "little") + text + places, *(data for _, data in placed)]


class FrameReader:
    """Cuts what comes over a socket into frames, whatever the pieces in which it comes."""

    def __init__(self, socket_, limit):
        # The longest frame, its head not counted; None: what the three parts of one may have.
        self.limit = limit
        self._receive_into = socket_.recv_into
        self._buffer = bytearray(BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._at = self._end = 0
        # Of a frame that is longer than the buffer: its head, its length, what has come of it.
        self._long_head = None
        self._long_size = self._long_have = 0
        self._long = None

    def receive(self):
        """Takes what has come; waits where nothing has. Raises `Closed`, `OSError`."""
        if self._long is not None:
            return self._receive_long()
        count = self._receive_into(self._view[self._end :])
        if not count:
            raise Closed
        self._end += count

    def next(self):
        """
        The next frame that has come whole, or None: type, call, text, places, bytes. The last three are views, of memory
        that the next `receive` overwrites. Raises `BadFrame`.
        """
        if self._long is not None:
            return self._take_long()
        at, have = self._at, self._end - self._at
        if have < HEAD_BYTES:
            self._move_to_front()
            return None
        head = int.from_bytes(self._view[at : at + HEAD_BYTES], "little")
        text, places, data = head >> 64 & WORD, head >> 96 & WORD, head >> 128
        size = text + places + data
        if text > MAX_TEXT_BYTES or places > MAX_PLACES_BYTES or data > MAX_BYTES or self.limit and size > self.limit:
            raise BadFrame("a frame of %d bytes, which is more than one may have here" % size)
        begin = at + HEAD_BYTES
        if have >= HEAD_BYTES + size:
            self._at = begin + size
            if self._at == self._end:
                self._at = self._end = 0
            return parts_of(head, self._view[begin : begin + size])
        if HEAD_BYTES + size > BUFFER_BYTES:
            self._long_head, self._long_size, self._long_have = head, size, have - HEAD_BYTES
            self._long = bytearray(min(size, FIRST_BYTES))
            self._long[: self._long_have] = self._view[begin : self._end]
            self._at = self._end = 0
        else:
            self._move_to_front()
        return None

    def _move_to_front(self):
        if self._at:
            rest = self._end - self._at
            self._view[:rest] = self._view[self._at : self._end]
            self._at, self._end = 0, rest

    def _receive_long(self):
        capacity = len(self._long)
        if self._long_have == capacity:
            grown = bytearray(min(self._long_size, 2 * capacity))
            grown[:capacity] = self._long
            self._long = grown
        with memoryview(self._long) as view:
            count = self._receive_into(view[self._long_have :])
        if not count:
            raise Closed
        self._long_have += count

    def _take_long(self):
        if self._long_have < self._long_size:
            return None
        view, self._long = memoryview(self._long), None
        return parts_of(self._long_head, view)


def parts_of(head, view):
    """A frame of its head and the view of what follows it."""
    text_end = head >> 64 & WORD
    places_end = text_end + (head >> 96 & WORD)
    return head & WORD, head >> 32 & WORD, view[:text_end], view[text_end:places_end], view[places_end:]
