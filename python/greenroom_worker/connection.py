"""One HTTP connection: reads requests, and sends whole answers."""

import threading

from .call_request import RequestError
from .errors import STATUS_OF_CATEGORY
from .json_values import encode
from .light_imports import socket
from .listening import Closed

MAX_HEAD_BYTES = 64 * 1024
READ_BYTES = 64 * 1024
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed"}


class Connection:
    """One client: reads its requests, and sends its answers one at a time."""

    def __init__(self, sock):
        self.socket = sock
        # Held from a request to its answer, so that answers keep the order of the requests.
        self.answering = threading.Lock()
        self.call = None
        self._buffer = bytearray()

    def read(self, allow):
        """The next request: method, path and body. `allow(headers)` raises `RequestError` before the body is read."""
        buffer = self._buffer
        while True:
            end = buffer.find(b"\r\n\r\n")
            if end >= 0:
                break
            if len(buffer) > MAX_HEAD_BYTES:
                raise RequestError(431, "BadRequest", "the head of the request is too long")
            self._receive()
        lines = buffer[:end].decode("latin-1").split("\r\n")
        del buffer[: end + 4]
        words = lines[0].split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise RequestError(400, "BadRequest", "not an HTTP/1.1 request")
        headers = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            name = name.lower()
            if not colon or name in headers and name in ("content-length", "transfer-encoding", "host", "authorization"):
                raise RequestError(400, "BadRequest", "a header of the request is malformed or given twice")
            headers[name] = value.strip()
        allow(headers)
        if headers.get("expect", "").lower() == "100-continue":
            self.socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        return words[0], words[1], self._body(headers)

    def _body(self, headers):
        encoding = headers.get("transfer-encoding")
        length = headers.get("content-length", "0")
        if encoding is not None:
            if encoding.lower() != "chunked" or "content-length" in headers:
                raise RequestError(400, "BadRequest", "the length of the body is not clear")
            return self._chunked_body()
        if not (length.isascii() and length.isdigit()):
            raise RequestError(400, "BadRequest", "content-length is not a number")
        return self._exactly(int(length))

    def _chunked_body(self):
        body = bytearray()
        while True:
            try:
                size = int(self._line().split(b";")[0], 16)
            except ValueError:
                raise RequestError(400, "BadRequest", "a chunk of the body has no size") from None
            if size <= 0:
                while self._line():
                    pass
                return body
            body += self._exactly(size)
            self._line()

    def _line(self):
        buffer = self._buffer
        while True:
            end = buffer.find(b"\r\n")
            if end >= 0:
                break
            if len(buffer) > MAX_HEAD_BYTES:
                raise RequestError(400, "BadRequest", "a line of the body is too long")
            self._receive()
        line = bytes(buffer[:end])
        del buffer[: end + 2]
        return line

    def _exactly(self, size):
        buffer = self._buffer
        if len(buffer) >= size:
            body = buffer[:size]
            del buffer[:size]
            return body
        try:
            body = bytearray(size)
        except (MemoryError, OverflowError):
            raise RequestError(413, "TooLarge", "there is no memory for a body of %d bytes" % size) from None
        have = len(buffer)
        body[:have] = buffer
        buffer.clear()
        with memoryview(body) as view:
            while have < size:
                count = self.socket.recv_into(view[have:])
                if not count:
                    raise Closed
                have += count
        return body

    def _receive(self):
        data = self.socket.recv(READ_BYTES)
        if not data:
            raise Closed
        self._buffer += data

    def send(self, data):
        """Sends all of `data`; false when the client is gone."""
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            return False

    def answer(self, body, status=200, close=False, extra=b""):
        """Sends `body`, JSON already, as one whole answer; `extra` are whole lines of its head."""
        head = "HTTP/1.1 %d %s\r\ncontent-type: application/json\r\n%scontent-length: %d\r\n" % (
            status,
            REASONS.get(status, "Error"),
            "connection: close\r\n" if close else "",
            len(body),
        )
        return self.send(b"%b%b\r\n%b" % (head.encode("ascii"), extra, body))

    def refuse(self, wire, status=None, close=False):
        """Sends an error as one whole answer, with the status of its category unless there is another."""
        self.answer(encode({"error": wire}), status or STATUS_OF_CATEGORY.get(wire["category"], 500), close)

    def close(self):
        try:
            # The client still gets what was sent, even where it has sent more than was read.
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        self.socket.close()
