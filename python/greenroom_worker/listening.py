"""Sockets that listen, and those of their clients: a thread for each, and nothing of them in a forked child."""

import threading
import time

from .light_imports import accept, socket
from .standard_streams import apart

BACKLOG = 256


class Closed(Exception):
    """The client has closed the connection."""


class Listening:
    """What the servers for requests and for frames share. `serve(sock)` is theirs."""

    def __init__(self):
        self.sockets = set()
        self._is_tcp = False

    def listen_unix(self, path):
        """Listens at a path."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        self._accept_on(listener)

    def listen_tcp(self, name):
        """Listens at a free port of a loopback address, and returns both as text."""
        listener = socket.socket(socket.AF_INET6 if ":" in name else socket.AF_INET)
        listener.bind((name, 0))
        self._is_tcp = True
        self._accept_on(listener)
        return "%s:%d" % ("[%s]" % name if ":" in name else name, listener.getsockname()[1])

    def forget_sockets(self):
        """In a forked child: it must not answer, nor keep an address or a connection open after the worker."""
        for sock in self.sockets:
            try:
                sock.close()
            except OSError:
                pass

    def _accept_on(self, listener):
        self.sockets.add(listener)
        listener.listen(BACKLOG)
        threading.Thread(target=self._accept, args=(listener,), name="greenroom-accept", daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                sock = apart(accept(listener))
                self.sockets.add(sock)
                if self._is_tcp:
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self.serve, args=(sock,), name="greenroom-client", daemon=True).start()
            except Exception:
                # No descriptor, no memory or no thread is free; the client waits in the backlog.
                time.sleep(0.01)
