"""The answer to a call of version 2, in frames."""

from .answer import Answer
from .errors import bounded, describe
from .flat_chunks import flat_size
from .frames import CHUNKS, END, ERROR, MAX_PLACES_BYTES, MAX_TEXT_BYTES, PROGRESS, RESULT, frame
from .json_values import SerializeError, encode, to_json
from .placed_bytes import write_places

# The longest message of progress, in characters: it may go over a connection that takes only short frames.
MAX_PROGRESS_CHARACTERS = 16 * 1024
# The most characters that the index of a chunk adds to a path.
MAX_INDEX = 16
# A chunk with more bytes than this is gathered with no other.
ALONE_BYTES = MAX_TEXT_BYTES // 2


class FrameAnswer(Answer):
    """The answer to a frame. The last part of it is the type, the text and the placed bytes of the last frame."""

    def __init__(self, connection, number):
        super().__init__()
        self._connection = connection
        self._number = number

    def progress(self, progress, message):
        """Says how far the call is."""
        text = encode({"progress": progress, "message": bounded(message, MAX_PROGRESS_CHARACTERS)})
        self._gather((text, None), len(text))

    def chunk(self, value):
        """Says one chunk of a stream. Raises `SerializeError`."""
        size = flat_size(value)
        if size:
            return self._gather(value.copy() if type(value) is dict else value, size, False)
        placed = []
        text = encode(value, "chunk", placed)
        if placed or len(text) > ALONE_BYTES:
            check(text, placed, "chunk")
        self._gather((text, placed), len(text) + sum(len(data) for _, data in placed))
        return None

    def result(self, value):
        """The last part that says a result. Raises `SerializeError`."""
        placed = []
        return RESULT, encoded(value, "result", placed), placed

    def finish(self):
        """The last part of a stream."""
        return END, b"", ()

    def failure(self, error, _status=None):
        """The last part that says an exception."""
        return self.refusal(describe(error, True))

    @staticmethod
    def refusal(wire):
        """The last part that says an error of the protocol."""
        placed = []
        try:
            return ERROR, encoded(wire, "error", placed), placed
        except SerializeError:
            wire["details"] = "left out: they are too long"
            return ERROR, encode(wire), ()

    def done(self):
        """Nothing is left to do: the connection may take its next call from before the last frame on."""

    def _send_gathered(self):
        if self._is_flat:
            frames = frame(CHUNKS, self._number, to_json(self._gathered).encode("ascii"))
        else:
            frames = self._mixed_frames()
        self._is_flat = True
        self._gathered.clear()
        self._size = 0
        self._connection.write(frames)
        self.gone = self._connection.gone

    def _mixed_frames(self):
        frames, texts, places, size = [], [], [], 0
        for part in self._gathered:
            text, placed = part if type(part) is tuple else (to_json(part).encode("ascii"), ())
            length = len(text) + sum(len(data) for _, data in placed or ())
            if texts and (placed is None or size + length > ALONE_BYTES):
                frames += chunks(self._number, texts, places)
                texts, places, size = [], [], 0
            if placed is None:
                frames += frame(PROGRESS, self._number, text)
                continue
            places += [((len(texts), *path), data) for path, data in placed]
            texts.append(text)
            size += length
        if texts:
            frames += chunks(self._number, texts, places)
        return frames

    def _send_last(self, last):
        if self._gathered:
            self._send_gathered()
        self._connection.send_last(self._number, *last)


def encoded(value, where, placed):
    """The JSON of a value. Raises `SerializeError`, also where a frame cannot hold it."""
    text = encode(value, where, placed)
    check(text, placed, where)
    return text


def check(text, placed, where):
    """Refuses what a frame cannot hold; a list of chunks adds a little around each. Raises `SerializeError`."""
    if len(text) > MAX_TEXT_BYTES - 2:
        raise SerializeError(
            "%s has %d MiB of JSON, more than %d; return it in pieces, as chunks of a stream, or as the path of a file"
            % (where, len(text) // 2**20, MAX_TEXT_BYTES // 2**20)
        )
    if placed and len(write_places(placed)) + MAX_INDEX * len(placed) > MAX_PLACES_BYTES:
        raise SerializeError("%s has bytes in too many places: %d; return them as fewer, longer ones" % (where, len(placed)))


def chunks(number, texts, placed=()):
    """A frame of chunks."""
    return frame(CHUNKS, number, b"[%b]" % b",".join(texts), placed)
