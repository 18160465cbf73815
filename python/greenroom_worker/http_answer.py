"""The answer to a call of version 1: plain JSON, or lines of it once there is something to say before the end."""

from .answer import Answer
from .errors import STATUS_OF_CATEGORY, describe
from .json_values import encode

NDJSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n"


class HttpAnswer(Answer):
    """The answer to `/execute` or `/execute_stream`. The last part of it is a line and the status of plain JSON."""

    def __init__(self, connection, call):
        super().__init__()
        self._connection = connection
        # Names the call, so that no call is ever given the answer of another; a head takes ASCII only.
        named = all("!" <= character <= "~" for character in call)
        self._name = b"greenroom-call: %b\r\n" % call.encode("ascii") if named else b""
        self._started = False

    def progress(self, progress, message):
        """Says how far the call is."""
        self._say(encode({"progress": progress, "message": message}) + b"\n")

    def chunk(self, value):
        """Says one chunk of a stream. Raises `SerializeError`."""
        self._say(b'{"chunk":%b}\n' % encode(value, "chunk"))

    def result(self, value):
        """The last part that says a result. Raises `SerializeError`."""
        return b'{"result":%b}' % encode(value), 200

    def finish(self):
        """The last part of a stream."""
        return b'{"end":true}', None

    def failure(self, error, status=None):
        """The last part that says an exception."""
        wire = describe(error)
        return encode({"error": wire}), status or STATUS_OF_CATEGORY.get(wire["category"], 500)

    def done(self):
        """Lets the connection take its next request."""
        self._connection.call = None
        self._connection.answering.release()

    def _say(self, line):
        self._gather(line, len(line))

    def _send_gathered(self, tail=b""):
        data = b"%x\r\n%b\r\n%b" % (self._size, b"".join(self._gathered), tail)
        self._gathered.clear()
        self._size = 0
        if not self._started:
            self._started = True
            data = b"%b%b\r\n%b" % (NDJSON_HEAD, self._name, data)
        if not self.gone:
            self.gone = not self._connection.send(data)

    def _send_last(self, last):
        line, status = last
        if status is not None and not self._started and not self._gathered:
            self._connection.answer(line, status, extra=self._name)
            return
        self._gathered += (line, b"\n")
        self._size += len(line) + 1
        self._send_gathered(b"0\r\n\r\n")
