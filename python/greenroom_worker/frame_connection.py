"""One connection for calls as frames."""

import json
import threading

from .call_request import RequestError, call_of, parse_placed
from .errors import type_name
from .frame_answer import FrameAnswer
from .frames import EXECUTE, FETCH, HELLO, LARGE, MAX_SHARED_BYTES, STREAM, WELCOME, BadFrame, FrameReader, frame
from .json_values import encode
from .light_imports import compare_digest, socket
from .listening import Closed
from .log import write_log

# The longest first frame of a connection, its head not counted.
MAX_HELLO_BYTES = 4 * 1024
# So many writes may wait for the one that sends; a thread with more to send waits itself.
MAX_WAITING = 64
# Parts are sent together up to this size.
JOIN_BYTES = 64 * 1024
CLOSE_SECONDS = 1.0


class FrameConnection:
    """One client: reads its calls, and sends the answers of whichever threads have them."""

    def __init__(self, server, sock):
        self.socket = sock
        self.gone = False
        self._server = server
        self._reader = FrameReader(sock, MAX_HELLO_BYTES)
        self._shared = False
        # The calls that run, by number.
        self._calls = {}
        self._waiting = []
        self._sending = threading.Lock()

    def greet(self):
        """Waits for the first frame, and answers it. Raises `BadFrame`, `Closed`, `OSError`."""
        reader = self._reader
        while True:
            first = reader.next()
            if first is not None:
                break
            reader.receive()
        type_, call, text, places, data = first
        try:
            hello = json.loads(str(text, "utf-8")) if type_ == HELLO and not (call or places or data) else None
            token, shared = hello["token"].encode("utf-8"), hello["shared"]
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise BadFrame("its first frame is no hello") from None
        if type(shared) is not bool or not compare_digest(token, self._server.token):
            raise BadFrame("its token is wrong")
        self._shared = shared
        reader.limit = MAX_SHARED_BYTES if shared else None
        self.write(frame(WELCOME, 0, encode({"nonce": self._server.nonce})))

    def take(self):
        """Takes the calls that have come whole. Raises `BadFrame`."""
        while not self.gone:
            next_ = self._reader.next()
            if next_ is None:
                return
            call = self._take(*next_)
            # The call has its own copy: what has come need not be held while it runs.
            next_ = None
            if call is not None:
                self._server.begin(call)

    def receive(self):
        """Takes what has come, and the calls in it; waits where nothing has. Raises `BadFrame`, `Closed`, `OSError`."""
        self._reader.receive()
        self.take()

    def _take(self, type_, number, text, places, data):
        """Does what a frame asks; returns the call of one that has to be run."""
        if type_ == FETCH and not self._shared and not self._calls:
            last = self._server.fetch(number)
            if last is None:
                raise BadFrame("nothing of call %d waits to be fetched" % number)
            self.write(frame(*last))
        elif type_ == EXECUTE or type_ == STREAM and not self._shared:
            if number == 0 or (number in self._calls if self._shared else self._calls):
                raise BadFrame("a call %d beside another on a connection for one" % number if number else "a call 0")
            return self._call(number, type_ == STREAM, text, places, data)
        else:
            raise BadFrame("a frame of type %d for call %d" % (type_, number))
        return None

    def _call(self, number, stream, text, places, data):
        try:
            text, places = str(text, "utf-8"), str(places, "utf-8")
        except UnicodeDecodeError:
            raise BadFrame("a text that is not UTF-8") from None
        answer = FrameAnswer(self, number)
        try:
            worker = self._server.worker
            call = call_of(worker, parse_placed(text, places, data), stream, lambda _: answer)
        except RequestError as error:
            answer.end(answer.refusal(error.wire))
        except BaseException as error:
            # There was no memory for it, or a signal handler of the plugin has raised.
            answer.end(answer.failure(error))
        else:
            self._calls[number] = call
            return call
        return None

    def send_last(self, number, type_, text, placed):
        """Sends the last frame of a call, or keeps it to be fetched where it is too long for a shared connection."""
        # First: the client may use the connection, or the number, as soon as it has the frame.
        self._calls.pop(number, None)
        parts = frame(type_, number, text, placed)
        if self._shared and len(parts[0]) + sum(map(len, parts[1:])) > MAX_SHARED_BYTES:
            self._server.keep(self, number, (type_, number, text, placed))
            parts = frame(LARGE, number)
        self.write(parts)

    def write(self, parts):
        """
        Sends bytes one after the other, from any thread. One thread sends at a time, and sends what others have to send
        meanwhile: so answers of many calls go together.
        """
        waiting = self._waiting
        try:
            if not waiting and self._sending.acquire(False):
                self._send(parts)
            else:
                waiting.append(parts)
            while waiting and self._sending.acquire(len(waiting) > MAX_WAITING):
                taken = waiting[:]
                del waiting[: len(taken)]
                self._send([part for parts in taken for part in parts])
        except BaseException:
            # A signal handler of the plugin has raised: how much was sent is unknown.
            self.shut()
            raise

    def _send(self, parts):
        """Sends, and lets the next send: `_sending` is held before, and released after."""
        try:
            for part in parts if len(parts) == 1 else joined(parts):
                if not self.gone:
                    self.socket.sendall(part)
        except OSError:
            self.gone = True
        finally:
            self._sending.release()

    def end(self, error):
        """Ends the connection for an error, and says so in the log; returns whether the client is its cause."""
        is_fault = isinstance(error, BadFrame)
        is_end = isinstance(error, (Closed, OSError))
        if not is_end:
            write_log("greenroom: a connection for calls is closed: %.300s\n" % (error if is_fault else type_name(error)))
        self.shut()
        return is_fault or is_end

    def shut(self):
        """Ends what is sent and received; a thread that sends or waits goes on."""
        self.gone = True
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def stop_calls(self):
        """Stops its calls, which cannot be answered any more, and forgets what waits to be fetched."""
        self.shut()
        self._server.forget(self)
        for call in tuple(self._calls.values()):
            call.stop()

    def close(self):
        """Closes the socket. Nothing waits for it any more."""
        # Whoever sends has failed at once; only one that a signal handler has broken off holds it for longer.
        self._sending.acquire(timeout=CLOSE_SECONDS)
        self._server.sockets.discard(self.socket)
        self.socket.close()


def joined(parts):
    """The same bytes in fewer parts, as each is sent by itself."""
    together, size = [], 0
    for part in parts:
        if together and size + len(part) > JOIN_BYTES:
            yield b"".join(together)
            together, size = [], 0
        together.append(part)
        size += len(part)
    yield b"".join(together)
