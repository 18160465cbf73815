"""The answer to one call: its parts are gathered for a moment, so that a fast stream does not send each on its own."""

import threading
import time

from .light_imports import SimpleQueue

# Parts are gathered for at most this time and this size.
GATHER_SECONDS = 0.001
GATHER_BYTES = 16 * 1024


class Answer:
    """
    What a call says before its end, and its end. How it is sent is the matter of the classes that build on this one:
    `HttpAnswer`, `FrameAnswer`. A part and the last one are whatever they make of them.
    """

    # Whether the client is gone, so that there is nobody to answer.
    gone = False

    def __init__(self):
        self._lock = threading.Lock()
        self._gathered = []
        # Whether none of them was marked as written.
        self._is_flat = True
        self._size = 0
        self._sent_at = 0.0
        self._ended = False
        self._is_out = False
        self._flush_due = False
        self._flush = None

    def end(self, last):
        """
        Ends the answer with its last part. Raises RuntimeError where an earlier try was broken off: how much of it was
        sent is unknown.
        """
        with self._lock:
            if self._ended:
                if not self._is_out:
                    raise RuntimeError("its answer was broken off")
                return
            self._ended = True
            if self._flush is not None:
                self._wake_flusher()
            self._send_last(last)
            self._is_out = True

    def _gather(self, part, size, is_written=True):
        """Adds a part: sent at once where nothing was sent lately, else gathered. It may be a chunk to be written then."""
        with self._lock:
            if self._ended or self.gone:
                return
            self._gathered.append(part)
            self._size += size
            if is_written:
                self._is_flat = False
            now = time.monotonic()
            if now - self._sent_at >= GATHER_SECONDS or self._size >= GATHER_BYTES:
                self._sent_at = now
                self._send_gathered()
            elif not self._flush_due:
                self._flush_due = True
                self._wake_flusher()

    def _wake_flusher(self):
        if self._flush is None:
            self._flush = SimpleQueue()
            threading.Thread(target=self._flusher, name="greenroom-flush", daemon=True).start()
        self._flush.put(None)

    def _flusher(self):
        """Sends the gathered parts of a plugin that has paused."""
        while True:
            self._flush.get()
            if self._ended:
                return
            time.sleep(GATHER_SECONDS)
            with self._lock:
                self._flush_due = False
                if self._gathered and not self._ended:
                    self._sent_at = time.monotonic()
                    self._send_gathered()
