"""The HTTP server: listens, has a thread for every connection, and lets in only requests of the host program."""

import threading
import time

from .connection import Closed, Connection, RequestError
from .errors import describe
from .light_imports import accept, compare_digest, socket
from .log import complain
from .standard_streams import apart

BACKLOG = 256


class Server:
    """Reads requests and hands them to `routes`, on the thread of their connection."""

    def __init__(self, routes, token):
        self._routes = routes
        self._authorization = b"Bearer " + token.encode("utf-8")
        self._tcp_host = None
        self._sockets = set()

    def listen(self, where):
        """Listens and returns the two addresses, for calls and for control."""
        if "unix" in where:
            for path in (where["unix"], where["control"]):
                listener = socket.socket(socket.AF_UNIX)
                listener.bind(path)
                self._accept_on(listener)
            return "unix:" + where["unix"], "unix:" + where["control"]
        name = where["tcp"]
        listener = socket.socket(socket.AF_INET6 if ":" in name else socket.AF_INET)
        listener.bind((name, 0))
        self._tcp_host = "%s:%d" % ("[%s]" % name if ":" in name else name, listener.getsockname()[1])
        self._accept_on(listener)
        return ("tcp:" + self._tcp_host,) * 2

    def forget_sockets(self):
        """In a forked child: it must not answer, nor keep an address or a connection open after the worker."""
        for sock in self._sockets:
            try:
                sock.close()
            except OSError:
                pass

    def _accept_on(self, listener):
        self._sockets.add(listener)
        listener.listen(BACKLOG)
        threading.Thread(target=self._accept, args=(listener,), name="greenroom-accept", daemon=True).start()

    def _accept(self, listener):
        while True:
            try:
                sock = apart(accept(listener))
                self._sockets.add(sock)
                if self._tcp_host is not None:
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(Connection(sock),), name="greenroom-http", daemon=True).start()
            except Exception:
                # No descriptor, no memory or no thread is free; the client waits in the backlog.
                time.sleep(0.01)

    def _serve(self, connection):
        try:
            while True:
                method, target, body = connection.read(self._allow)
                connection.answering.acquire()
                try:
                    answered = self._routes.answer(connection, method, target, body)
                except RequestError as error:
                    connection.refuse(error.wire, error.status)
                    answered = True
                except BaseException as error:
                    connection.refuse(describe(error))
                    answered = True
                if answered:
                    connection.answering.release()
        except RequestError as error:
            # The bytes after such a request cannot be trusted.
            with connection.answering:
                connection.refuse(error.wire, error.status, close=True)
        except (Closed, OSError):
            call = connection.call
            if call is not None:
                call.stop()
        except BaseException as error:
            complain("a connection failed", error)
        with connection.answering:
            self._sockets.discard(connection.socket)
            connection.close()

    def _allow(self, headers):
        given = headers.get("authorization", "").encode("latin-1")
        if self._tcp_host is not None:
            if headers.get("host") != self._tcp_host:
                raise RequestError(403, "Forbidden", "the Host header is not this worker's address")
            if "origin" in headers or any(name.startswith("sec-fetch-") for name in headers):
                raise RequestError(403, "Forbidden", "web pages may not talk to a worker")
        if not compare_digest(given, self._authorization):
            raise RequestError(401, "Unauthorized", "the token is missing or wrong")
