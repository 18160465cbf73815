"""The answer to one call: frames are gathered for a moment, so that a fast stream does not send each on its own."""

import threading
import time

from .light_imports import SimpleQueue

# Frames are gathered for at most this time and this size.
GATHER_SECONDS = 0.001
GATHER_BYTES = 16 * 1024
NDJSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n"


class CallAnswer:
    """The answer to one call: plain JSON, or frames once there is something to say before its end."""

    def __init__(self, connection, call):
        self.gone = False
        self._connection = connection
        # Names the call, so that no call is ever given the answer of another; a head takes ASCII only.
        named = all("!" <= character <= "~" for character in call)
        self._name = b"greenroom-call: %b\r\n" % call.encode("ascii") if named else b""
        self._lock = threading.Lock()
        self._gathered = []
        self._size = 0
        self._sent_at = 0.0
        self._started = False
        self._ended = False
        self._is_out = False
        self._flush_due = False
        self._flush = None

    def frame(self, frame):
        """Adds a frame, given as a line: sent at once where nothing was sent lately, else gathered."""
        with self._lock:
            if self._ended or self.gone:
                return
            self._gathered.append(frame)
            self._size += len(frame)
            now = time.monotonic()
            if now - self._sent_at >= GATHER_SECONDS or self._size >= GATHER_BYTES:
                self._sent_at = now
                self._send(b"")
            elif not self._flush_due:
                self._flush_due = True
                self._wake_flusher()

    def end(self, frame, status=None):
        """
        Ends the answer with its last frame, or, where nothing was said before and a status is given, as plain JSON.
        Raises RuntimeError where an earlier try was broken off: how much of it was sent is unknown.
        """
        with self._lock:
            if self._ended:
                if not self._is_out:
                    raise RuntimeError("its answer was broken off")
                return
            self._ended = True
            if self._flush is not None:
                self._wake_flusher()
            if status is not None and not self._started and not self._gathered:
                self._connection.answer(frame, status, extra=self._name)
            else:
                self._gathered += (frame, b"\n")
                self._size += len(frame) + 1
                self._send(b"0\r\n\r\n")
            self._is_out = True

    def _send(self, tail):
        data = b"%x\r\n%b\r\n%b" % (self._size, b"".join(self._gathered), tail)
        self._gathered.clear()
        self._size = 0
        if not self._started:
            self._started = True
            data = b"%b%b\r\n%b" % (NDJSON_HEAD, self._name, data)
        if not self.gone:
            self.gone = not self._connection.send(data)

    def _wake_flusher(self):
        if self._flush is None:
            self._flush = SimpleQueue()
            threading.Thread(target=self._flusher, name="greenroom-flush", daemon=True).start()
        self._flush.put(None)

    def _flusher(self):
        """Sends the gathered frames of a plugin that has paused."""
        while True:
            self._flush.get()
            if self._ended:
                return
            time.sleep(GATHER_SECONDS)
            with self._lock:
                self._flush_due = False
                if self._gathered and not self._ended:
                    self._sent_at = time.monotonic()
                    self._send(b"")
