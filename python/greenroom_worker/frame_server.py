"""Listens for connections that carry calls as frames, and has a thread for each."""

import threading
import time

from .listening import Listening
from .light_imports import socket

# How often a closed connection is looked for where the system does not tell of it.
LOOK_SECONDS = 0.25


class FrameServer(Listening):
    """
    Hands the calls of its connections to the worker. The thread of a connection reads it; but if there is one call at a
    time, the main thread itself reads the connection and runs the call, and the thread only waits for its end.
    """

    def __init__(self, worker, token, nonce):
        super().__init__()
        self.worker = worker
        self.token = token.encode("utf-8")
        self.nonce = nonce
        self._main = worker.jobs if worker.jobs.reads else None
        # Last frames that wait to be fetched, by the number of their call, with their connection.
        self._kept = {}
        self._kept_lock = threading.Lock()

    def listen(self, where):
        """Listens and returns the address."""
        if "unix" in where:
            self.listen_unix(where["frames"])
            return "unix:" + where["frames"]
        return "tcp:" + self.listen_tcp(where["tcp"])

    def begin(self, call):
        """Runs a call here and now where this is the main thread, or hands it to the threads for calls."""
        if self._main is None:
            self.worker.calls.submit(call, True)
        else:
            self.worker.calls.run(call)

    def keep(self, connection, number, last):
        """Keeps the last frame of a call until it is fetched."""
        with self._kept_lock:
            if not connection.gone:
                self._kept[number] = (connection, last)

    def fetch(self, number):
        """The last frame that was kept for a call, or None."""
        with self._kept_lock:
            return self._kept.pop(number, (None, None))[1]

    def forget(self, connection):
        """Drops what was kept of the calls of a connection."""
        with self._kept_lock:
            for number in [number for number, kept in self._kept.items() if kept[0] is connection]:
                del self._kept[number]

    def serve(self, sock):
        """Serves one connection until its end, on a thread of its own."""
        # Not before the first: the host program connects while the worker would only wait.
        from .frame_connection import FrameConnection

        connection = FrameConnection(self, sock)
        main = self._main
        attached = False
        try:
            connection.greet()
            if main is None:
                connection.take()
                while True:
                    connection.receive()
            else:
                attached = True
                main.put(lambda: self._attach(connection))
                wait_for_end(sock)
        except BaseException as error:
            connection.end(error)
        connection.stop_calls()
        if attached:
            main.put(lambda: self._detach(connection))
        else:
            connection.close()

    def _attach(self, connection):
        self._main.watch(connection.socket, lambda: self._receive(connection, connection.receive))
        self._receive(connection, connection.take)

    def _receive(self, connection, action):
        try:
            action()
        except BaseException as error:
            # A signal handler of the plugin has raised, perhaps between what was read and what was kept of it.
            self._main.unwatch(connection.socket)
            if not connection.end(error):
                raise

    def _detach(self, connection):
        self._main.unwatch(connection.socket)
        connection.close()


def wait_for_end(sock):
    """Waits until the client has closed its connection, or this process has shut it; reads nothing."""
    import select

    if hasattr(select, "POLLRDHUP"):
        poll = select.poll()
        poll.register(sock.fileno(), select.POLLRDHUP)
        poll.poll()
        return
    while True:
        time.sleep(LOOK_SECONDS)
        readable, _, _ = select.select([sock], [], [], 0)
        if readable and not sock.recv(1, socket.MSG_PEEK):
            return
