"""The HTTP server: listens, has a thread for every connection, and lets in only requests of the host program."""

from .call_request import RequestError
from .connection import Connection
from .errors import describe
from .light_imports import compare_digest
from .listening import Closed, Listening
from .log import complain


class Server(Listening):
    """Reads requests and hands them to `routes`, on the thread of their connection."""

    def __init__(self, routes, token):
        super().__init__()
        self._routes = routes
        self._authorization = b"Bearer " + token.encode("utf-8")
        self._tcp_host = None

    def listen(self, where):
        """Listens and returns the two addresses, for calls and for control."""
        if "unix" in where:
            for path in (where["unix"], where["control"]):
                self.listen_unix(path)
            return "unix:" + where["unix"], "unix:" + where["control"]
        self._tcp_host = self.listen_tcp(where["tcp"])
        return ("tcp:" + self._tcp_host,) * 2

    def serve(self, sock):
        """Answers the requests of one connection until its end, on a thread of its own."""
        connection = Connection(sock)
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
            self.sockets.discard(connection.socket)
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
