"""Runs one Greenroom plugin class in a process of its own and speaks the worker protocol, version 1.

Standard library only, Python 3.9 or newer, one file: it runs under any interpreter, with nothing installed there. The
host writes one JSON line (the boot line) to standard input and keeps that open; its end means that the host is gone.

Plugin code runs on the main thread, as sqlite3 objects, `signal.signal` and CUDA contexts want it; HTTP, `/health`,
`/cancel` and the lifeline have threads of their own. Modules that only some plugins need (asyncio, traceback,
importlib.util) are imported when they are needed, because every import is paid for at each start.
"""

import enum
import json
import math
import os
import signal
import socket
import sys
import threading
import time
from queue import SimpleQueue

try:
    # What `hmac.compare_digest` is where there is no OpenSSL; importing hmac would cost several milliseconds.
    from _operator import _compare_digest as compare_digest
except ImportError:
    from hmac import compare_digest

PROTOCOL = 1
SDK = "python/0.1.0"
BACKLOG = 256
MAX_HEAD_BYTES = 64 * 1024
READ_BYTES = 64 * 1024
# How soon a thread that wants the interpreter gets it from a call that computes, in seconds; Python's own is 5 ms.
SWITCH_SECONDS = 0.0005
# Frames are gathered for at most so long and so many bytes.
GATHER_SECONDS = 0.001
GATHER_BYTES = 16 * 1024
# How often the progress attributes of a plugin are read while it runs, and for how many idle looks the reader stays.
WATCH_SECONDS = 0.05
WATCH_IDLE_LOOKS = 20
# How long `/cleanup` waits for what runs to end, in seconds. After that it goes on beside it: better than never.
CLEANUP_GRACE_SECONDS = 1.0

# The process that is the worker. A child that plugin code forks is none, wherever it comes back to.
WORKER_PID = os.getpid()

# The worker's own descriptors of its output, from before the plugin, which may close or replace its own. Set by `main`.
own_output = {1: 1, 2: 2}
# The longest message and traceback of an error that are passed on, in characters.
MAX_ERROR_CHARACTERS = 64 * 1024

CATEGORIES = ("input", "transient", "resource", "fatal")
STATUS_OF_CATEGORY = {"input": 400, "transient": 503, "resource": 507}
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed"}
NDJSON_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n"


# Values


class SerializeError(Exception):
    """A result that cannot be JSON; says what it is and where."""

    category = "input"


class Unserializable(TypeError):
    """A value of a type that has no JSON form."""


def plain(value):
    """Turns a value that JSON does not know into one that it does. Raises `Unserializable` where there is none."""
    if not isinstance(value, type):
        if hasattr(value, "to_temp_file"):
            return os.fspath(value.to_temp_file())
        if hasattr(value, "__dataclass_fields__"):
            from dataclasses import fields

            return {field.name: getattr(value, field.name) for field in fields(value)}
        # `dict` last: pydantic keeps it beside `model_dump`, with a warning.
        for name in ("to_dict", "model_dump", "dict"):
            method = getattr(value, name, None)
            if callable(method):
                return method()
        if isinstance(value, (bytes, bytearray, memoryview)):
            raise Unserializable("bytes have no JSON form: write them to a file and return its path, or encode them as base64")
        if isinstance(value, (set, frozenset)):
            return list(value)
        if isinstance(value, enum.Enum):
            return value.value
        if hasattr(value, "__fspath__"):
            return os.fspath(value)
        # NumPy arrays and scalars, and tensors, without importing any of them.
        for name in ("isoformat", "tolist", "item"):
            method = getattr(value, name, None)
            if callable(method):
                return method()
    raise Unserializable("a value of type %s has no JSON form" % type(value).__qualname__)


# How deep lists and dicts may be nested, the outermost counted: what the host takes too.
MAX_DEPTH = 500
# Beyond this a number in JavaScript is rounded.
MAX_INTEGER = 2**53 - 1
SIMPLE = frozenset((str, bool, float, type(None)))


def is_plain(value, depth=MAX_DEPTH):
    """Whether the encoder writes `value` as it is, or hands its parts to `converted`. False is no verdict: `explain` looks closely."""
    kind = type(value)
    if kind is dict:
        for key in value:
            if type(key) is not str:
                return False
        items = value.values()
    elif kind is list or kind is tuple:
        items = value
    elif kind is int:
        return -MAX_INTEGER <= value <= MAX_INTEGER
    else:
        return not isinstance(value, (dict, list, tuple, int))
    if not depth:
        return False
    for item in items:
        kind = type(item)
        if kind in SIMPLE:
            continue
        if kind is int:
            if not -MAX_INTEGER <= item <= MAX_INTEGER:
                return False
        elif not is_plain(item, depth - 1):
            return False
    return True


def converted(value):
    """What the encoder writes for a value that JSON does not know."""
    value = plain(value)
    if not is_plain(value):
        explain(value, "the value", (), False)
    return value


def encoder():
    """`json.dumps` for compact ASCII, with its encoder in C made once, which is half of what writing a small value costs."""
    slow = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=converted)
    try:
        # Without the table by which it finds cycles, which threads cannot share: `is_plain` and the stack end those.
        fast = json.encoder.c_make_encoder(
            None, converted, json.encoder.encode_basestring_ascii, None, ":", ",", False, False, False
        )
        if "".join(fast({"a": [1, "\xe9"]}, 0)) == slow.encode({"a": [1, "\xe9"]}):
            return lambda value: "".join(fast(value, 0))
    except TypeError:
        # Another Python has no such encoder, or one of another form.
        pass
    return slow.encode


to_json = encoder()


def encode(value, where="result"):
    """
    JSON as bytes that says exactly `value`. Raises `SerializeError` with the place of what JSON would change or cannot
    say, or what the plugin's own methods raise.
    """
    try:
        if not is_plain(value):
            explain(value, where, (), False)
        return to_json(value).encode("ascii")
    except (SerializeError, TypeError, ValueError, OverflowError, RecursionError) as error:
        try:
            explain(value, where, ())
        except RecursionError:
            pass
        raise SerializeError("%s: %s" % (where, error)) from None


def explain(value, where, parents, convert=True):
    """
    Raises `SerializeError` for the first part of `value` that JSON would change or cannot say. With `convert` also for
    parts of what the values that JSON does not know are written as.
    """
    if value is None or isinstance(value, (str, bool)):
        return
    if isinstance(value, int):
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise SerializeError("%s is %s; return it as str(value)" % (where, big(value)))
        return
    if isinstance(value, float):
        if not math.isfinite(value):
            raise SerializeError("%s is %r, which JSON cannot express; return None or a str" % (where, value))
        return
    if id(value) in parents:
        raise SerializeError("%s contains itself" % where)
    if len(parents) == MAX_DEPTH:
        raise SerializeError("%.200s… is nested deeper than %d levels" % (where, MAX_DEPTH))
    parents += (id(value),)
    if isinstance(value, dict):
        names = set()
        for key, item in value.items():
            name = name_of(key, where)
            if name in names:
                raise SerializeError("%s has two keys that JSON would write as %s; give them other names" % (where, json.dumps(name)))
            names.add(name)
            explain(item, "%s.%s" % (where, name), parents, convert)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            explain(item, "%s[%d]" % (where, index), parents, convert)
    elif convert:
        try:
            value = plain(value)
        except Unserializable as error:
            raise SerializeError("%s: %s" % (where, error)) from None
        explain(value, where, parents)


def big(value):
    """An integer that JavaScript would round, for a message."""
    # Python refuses to write those of several thousand digits.
    digits = "%d" % value if value.bit_length() < 256 else "an integer of %d bits" % value.bit_length()
    return "%s, beyond the 2^53 - 1 that a number in JavaScript holds exactly" % digits


def name_of(key, where):
    """The name that JSON has for a key: a str itself, the digits of an int."""
    if isinstance(key, str):
        return str.__str__(key)
    if isinstance(key, int) and not isinstance(key, bool):
        try:
            return int.__repr__(key)
        except ValueError:
            raise SerializeError("%s has %s as a key; make it a str" % (where, big(key))) from None
    raise SerializeError("%s has a key of type %s; keys must be str or int" % (where, type(key).__qualname__))


# Errors


def is_of(error, class_):
    """`isinstance` for exceptions, which may raise for whatever is asked of them, `__class__` too."""
    return issubclass(type(error), class_)


def type_name(value):
    """The name of a value's class, whatever the class of the class does."""
    try:
        return type.__getattribute__(type(value), "__name__")
    except BaseException:
        return "object"


def text_of(error):
    """The message of an exception, whatever its `__str__` does."""
    try:
        if is_of(error, SystemExit):
            return "the plugin asked to exit with status %r" % (error.code,)
        return str(error)
    except BaseException:
        return "a %s whose message cannot be read" % type_name(error)


def category_of(error, message):
    """The category of an exception that does not say its own."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if isinstance(error, MemoryError) or "OutOfMemoryError" in names or "CUDA out of memory" in message:
        return "resource"
    # Older Pythons have several classes of this name.
    if isinstance(error, (ConnectionError, TimeoutError, socket.timeout)) or "TimeoutError" in names:
        return "transient"
    return "fatal"


def stack_of(error):
    """The traceback as text, without the worker's own frames before the plugin's."""
    import traceback

    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace))


def attribute(value, name, default=None):
    """An attribute that may be a property which raises."""
    try:
        return getattr(value, name, default)
    except BaseException:
        return default


def describe(error):
    """An exception as the protocol's error. Never raises."""
    try:
        return described(error)
    except BaseException:
        message = bounded(text_of(error))
        return {"type": type_name(error), "message": message, "category": "fatal", "retryable": False}


def described(error):
    """The same, and raises what the exception's own attributes do."""
    message = text_of(error)
    category = attribute(error, "category")
    if not (isinstance(category, str) and category in CATEGORIES):
        category = category_of(error, message)
    retryable = attribute(error, "retryable")
    if not isinstance(retryable, bool):
        retryable = category in ("transient", "resource")
    wire = {"type": type_name(error), "message": bounded(message), "category": category, "retryable": retryable}
    details = attribute(error, "details")
    if details is not None and not callable(details):
        try:
            wire["details"] = json.loads(encode(details))
        except BaseException:
            wire["details"] = repr_of(details)
    try:
        wire["stack"] = bounded(stack_of(error))
    except BaseException:
        pass
    return wire


def bounded(text):
    """A text without its middle, if it is longer than an error may be."""
    over = len(text) - MAX_ERROR_CHARACTERS
    if over <= 0:
        return text
    half = MAX_ERROR_CHARACTERS // 2
    return "%s… %d characters left out …%s" % (text[:half], over, text[-half:])


def repr_of(value):
    try:
        return repr(value)
    except BaseException:
        return "<%s>" % type_name(value)


def end_child(error=None):
    """Ends a forked child whose plugin code has returned, or raised `error`: only the worker goes on from there."""
    if os.getpid() == WORKER_PID:
        return
    message, status = "", 1
    try:
        code = error.code if is_of(error, SystemExit) else None
        if error is None or isinstance(code, int):
            status = (code or 0) & 0xFF
        elif is_of(error, SystemExit):
            message, status = ("", 0) if code is None else (str(code), 1)
        else:
            message = stack_of(error)
    except BaseException:
        message = "%s: %s" % (type_name(error), text_of(error))
    fail(message, status)


class RequestError(Exception):
    """A request that is answered with an error of its own, not of the plugin."""

    def __init__(self, status, type_, message):
        super().__init__(message)
        self.status = status
        self.wire = {"type": type_, "message": message, "category": "input", "retryable": False}


# Connections


class Closed(Exception):
    """The other side has left."""


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
            # The other side still gets what was sent, although it may have sent more than was read.
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        self.socket.close()


class Answer:
    """The answer to one call: plain JSON, or frames once there is something to say before its end."""

    def __init__(self, connection, call):
        self.gone = False
        self._connection = connection
        # Says which call is answered, so that no call is ever given the answer of another; a head takes ASCII only.
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
        """Adds a frame, given as a line: sent at once where the last sending was a while ago, else gathered."""
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
        Raises RuntimeError where an earlier try was broken off, as how much of it was sent is not known.
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
        """Sends what a plugin that has paused left gathered."""
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


# Calls

QUEUED, RUNNING, OVER = range(3)


class Call:
    """One `/execute` or `/execute_stream`: its state, its arguments, its answer."""

    def __init__(self, host, connection, id_, args, kwargs, stream):
        self.id = id_
        self.args = args
        self.kwargs = kwargs
        self.stream = stream
        self.state = QUEUED
        self.stopped = False
        self.muted = False
        # The event loop and the task that the call waits for, if it is asynchronous.
        self.awaited = None
        self._host = host
        self._connection = connection
        self._answer = Answer(connection, id_)
        self._seen = None
        self._reported = None
        self._reporting = threading.Lock()
        self._given_up = False

    def run(self):
        """Runs the call and answers it. Raises nothing, whatever the plugin does."""
        begun = True
        try:
            try:
                begun = self._host.begin(self)
                if begun:
                    self._end(*self._outcome())
            except BaseException as error:
                # A signal handler of the plugin has raised in the worker's own steps before or after the plugin's.
                self._end(*self._failure(error))
        except BaseException as error:
            fail("a call could not be answered: %s" % text_of(error))
        finally:
            if begun:
                self._connection.call = None
                self._connection.answering.release()

    def _outcome(self):
        """Runs the plugin's code; the last frame and the status."""
        self._seen = self._host.status()
        try:
            self._host.prepare(self)
            last = self._run_stream() if self.stream else b'{"result":%b}' % encode(self._result())
            end_child()
            return last, None if self.stream else 200
        except BaseException as error:
            return self._failure(error)

    def _failure(self, error):
        end_child(error)
        if self._gave_up(error):
            error = Cancelled("the call was cancelled")
        if not is_of(error, Cancelled):
            complain("a call failed", error)
        wire = describe(error)
        return encode({"error": wire}), STATUS_OF_CATEGORY.get(wire["category"], 500)

    def _end(self, last, status):
        self.look()
        self._host.finish(self)
        self._answer.end(last, status)

    def drop(self):
        """Answers a call that was cancelled before it began."""
        self._answer.end(encode({"error": describe(Cancelled("the call was cancelled before it began"))}), 409)
        self._connection.answering.release()

    def abandon(self):
        """Lets go of a call whose client left before it began."""
        self._connection.answering.release()

    def stop(self):
        """Gives the call up, from any thread: its stream ends at the next chunk, and what it awaits at once."""
        self.stopped = True
        awaited = self.awaited
        if awaited is None:
            return
        loop, task = awaited
        try:
            loop.call_soon_threadsafe(self.give_up, task)
        except RuntimeError:
            # The plugin has closed the loop meanwhile.
            pass

    def give_up(self, task):
        """Cancels what is awaited, once: a second time would break off its `finally`. On the thread of the loop."""
        if not self._given_up:
            self._given_up = task.cancel()

    def _gave_up(self, error):
        return self.stopped and type_name(error) == "CancelledError"

    def _result(self):
        value = self._host.settle(self._host.plugin.execute(*self.args, **self.kwargs), self)
        if hasattr(value, "__next__") or hasattr(value, "__aiter__"):
            return list(self._chunks(value))
        return value

    def _run_stream(self):
        plugin = self._host.plugin
        frame = self._answer.frame
        method = getattr(plugin, "execute_stream", None)
        value = self._host.settle((method or plugin.execute)(*self.args, **self.kwargs), self)
        if method is None and not (hasattr(value, "__next__") or hasattr(value, "__aiter__")):
            value = [value]
        for chunk in self._chunks(value):
            frame(b'{"chunk":%b}\n' % encode(chunk, "chunk"))
        return b'{"end":true}'

    def _chunks(self, source):
        """What `source` yields, until the call is stopped; closes it then, and on every other way out."""
        source = self._host.iterate(source, self)
        answer = self._answer
        try:
            for chunk in source:
                end_child()
                yield chunk
                if self.stopped or answer.gone:
                    raise Cancelled("the call was cancelled")
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                close()

    def report(self, progress, message):
        """Sends progress, unless it repeats the last."""
        with self._reporting:
            if (progress, message) == self._reported:
                return
            self._reported = (progress, message)
            self._answer.frame(encode({"progress": progress, "message": message}) + b"\n")

    def look(self):
        """Reports the plugin's progress attributes if they have changed."""
        seen = self._host.status()
        if seen is not None and not self.muted and seen != self._seen:
            self._seen = seen
            self.report(*seen)

    def skip_status(self):
        """Takes the progress attributes as reported."""
        self._seen = self._host.status()


class Cancelled(Exception):
    """A call that ended because it was asked to."""


def progress_of(progress, message):
    """Progress as the protocol has it: a number, -1 for unknown, and a text."""
    try:
        progress = float(progress)
        return (progress if math.isfinite(progress) else -1.0), "" if message is None else str(message)
    except BaseException:
        return None


# The plugin


def load_class(module_name, class_name):
    """Imports the plugin's module and finds its class. Raises `LookupError` naming the classes that are there."""
    if module_name.endswith(".py") and os.path.isabs(module_name):
        module = load_file(module_name)
    else:
        import importlib

        module = importlib.import_module(module_name)
    own = [value for value in vars(module).values() if isinstance(value, type) and value.__module__ == module.__name__]
    there = ", ".join(kind.__name__ for kind in own) or "none"
    if class_name is not None:
        found = getattr(module, class_name, None)
        if not callable(found):
            raise LookupError("there is no class %r in %s; classes there: %s" % (class_name, module_name, there))
        return found
    found = [kind for kind in own if hasattr(kind, "execute") and not getattr(kind, "__abstractmethods__", None)]
    if len(found) != 1:
        raise LookupError(
            "%s must have exactly one class with a method 'execute', or the manifest must name the class; classes there: %s"
            % (module_name, there)
        )
    return found[0]


def load_file(path):
    from importlib.util import module_from_spec, spec_from_file_location

    folder, file = os.path.split(path)
    if folder not in sys.path:
        sys.path.insert(1, folder)
    name = file[:-3]
    if name in sys.modules:
        name = "greenroom_plugin_" + name
    spec = spec_from_file_location(name, path)
    module = module_from_spec(spec)
    # Dataclasses and pickle look their module up there.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


class Host:
    """The plugin and what is done with it: the calls it runs, its progress, its event loops."""

    def __init__(self, plugin, name, concurrency):
        self.plugin = plugin
        self.jobs = SimpleQueue()
        self.name = name
        self.version = ""
        self._calls = {}
        self._running = set()
        self._lock = threading.Lock()
        self._local = threading.local()
        self._watched = threading.Event()
        self._watcher = None
        self._over = None
        self._call_jobs = self.jobs if concurrency == 1 else SimpleQueue()
        if concurrency > 1:
            for index in range(concurrency):
                threading.Thread(target=self._serve, args=(self._call_jobs,), name="greenroom-call-%d" % index, daemon=True).start()
        self._wrap_progress()
        self.refresh()

    def run(self):
        """Runs plugin code on this thread for ever."""
        self._serve(self.jobs)

    @staticmethod
    def _serve(jobs):
        while True:
            try:
                jobs.get()()
            except Exception as error:
                # A signal handler of the plugin may raise between two calls. Its SystemExit still ends the worker.
                complain("an exception outside of any call", error)

    def refresh(self):
        """Reads name and version, so that `/health` can say them without running plugin code."""
        self.name = repr_free(attribute(self.plugin, "name"), self.name)
        self.version = repr_free(attribute(self.plugin, "version"), self.version)

    # Calls

    def submit(self, call):
        with self._lock:
            self._calls[call.id] = call
        self._call_jobs.put(call.run)

    def begin(self, call):
        """Marks a call as running; false if it is over already."""
        with self._lock:
            if call.state == OVER:
                return False
            if call.stopped:
                self._forget(call)
                left = True
            else:
                call.state = RUNNING
                self._running.add(call)
                left = False
        if left:
            call.abandon()
            return False
        return True

    def prepare(self, call):
        """Makes the plugin ready for a call, on the thread that will run it."""
        self._local.call = call
        # It may have been imported since.
        log_to_stderr()
        # The base class of older plugins leaves it to the worker to take the flag of the last cancel back.
        if attribute(self.plugin, "_cancel_requested"):
            self.plugin._cancel_requested = False
        if attribute(self.plugin, "_progress") is not None:
            self._watch()

    def finish(self, call):
        with self._lock:
            self._forget(call)
        self._local.call = None

    def _forget(self, call):
        call.state = OVER
        self._running.discard(call)
        if self._calls.get(call.id) is call:
            del self._calls[call.id]
        if self._over is not None and not self._calls:
            self._over.set()

    def wait_for_calls(self, seconds):
        """Waits until no call runs or is about to, for so long at the most."""
        with self._lock:
            if not self._calls:
                return
            over = self._over = threading.Event()
        over.wait(seconds)

    def cancel(self, id_):
        """Asks a call to stop, from any thread; says what happened."""
        with self._lock:
            call = self._calls.get(id_)
            if call is None:
                return "unknown"
            queued = call.state == QUEUED
            if queued:
                self._forget(call)
        if queued:
            call.drop()
            return "requested"
        cancel = attribute(self.plugin, "cancel")
        if callable(cancel):
            call.stopped = True
            try:
                self._settle_beside(call, cancel())
                end_child()
            except BaseException as error:
                end_child(error)
                complain("cancel() failed", error)
        elif not call.stream and call.awaited is None:
            return "unsupported"
        call.stop()
        return "requested"

    # Asynchronous plugins

    def settle(self, value, call=None):
        """The value, or what it resolves to, if it is awaitable. What is awaited for a call ends when that is stopped."""
        if not hasattr(value, "__await__"):
            return value
        loop = self._loop()
        task = loop.create_task(until(value))
        if call is None:
            return loop.run_until_complete(task)
        call.awaited = (loop, task)
        try:
            # It may have been stopped just before there was anything to await.
            if call.stopped:
                call.give_up(task)
            return loop.run_until_complete(task)
        finally:
            call.awaited = None

    def _settle_beside(self, call, value):
        """Awaits what belongs to a call that another thread runs: on the loop of the call, whose objects it may touch."""
        awaited = call.awaited
        if awaited is None or not hasattr(value, "__await__"):
            self.settle(value)
        else:
            import asyncio

            asyncio.run_coroutine_threadsafe(until(value), awaited[0])

    def iterate(self, source, call):
        """An iterator over `source`, which may be asynchronous."""
        return self._drive(source, call) if hasattr(source, "__aiter__") else iter(source)

    def _drive(self, source, call):
        iterator = source.__aiter__()
        try:
            while True:
                try:
                    chunk = self.settle(iterator.__anext__(), call)
                except StopAsyncIteration:
                    return
                yield chunk
        finally:
            close = getattr(iterator, "aclose", None)
            if close is not None:
                self.settle(close())

    def _loop(self):
        """The event loop of this thread: one for all calls, as clients that a plugin keeps belong to theirs."""
        loop = getattr(self._local, "loop", None)
        if loop is None or loop.is_closed():
            import asyncio

            loop = self._local.loop = asyncio.new_event_loop()
            asyncio.set_event_loop(loop)
        return loop

    # Progress

    def status(self):
        """The plugin's own progress attributes, or None."""
        progress = attribute(self.plugin, "_progress")
        return None if progress is None else progress_of(progress, attribute(self.plugin, "_status_message", ""))

    def forget_calls(self):
        """In a forked child: its calls are the worker's, so that it reports no progress of them."""
        self._local = threading.local()
        self._running = set()

    def _current(self):
        """The call of this thread, or, on threads of the plugin, the only one that runs."""
        call = getattr(self._local, "call", None)
        if call is None:
            try:
                (call,) = tuple(self._running)
            except (ValueError, RuntimeError):
                return None
        return call

    def _wrap_progress(self):
        """Makes the instance's `report_progress` also tell the host; a class whose instances are sealed is only watched."""
        original = attribute(self.plugin, "report_progress")

        def report_progress(*args, **kwargs):
            call = self._current()
            if call is not None:
                call.muted = True
            try:
                if original is not None:
                    original(*args, **kwargs)
                if call is not None:
                    seen = progress_of(
                        args[0] if args else kwargs.get("progress"),
                        args[1] if len(args) > 1 else kwargs.get("message", ""),
                    )
                    if seen is not None:
                        call.report(*seen)
                    call.skip_status()
            finally:
                if call is not None:
                    call.muted = False

        try:
            self.plugin.report_progress = report_progress
        except Exception:
            pass

    def _watch(self):
        if self._watcher is None:
            self._watcher = threading.Thread(target=self._watch_status, name="greenroom-progress", daemon=True)
            self._watcher.start()
        if not self._watched.is_set():
            self._watched.set()

    def _watch_status(self):
        idle = 0
        while True:
            time.sleep(WATCH_SECONDS)
            call = self._current()
            if call is not None:
                idle = 0
                call.look()
                continue
            idle += 1
            if idle > WATCH_IDLE_LOOKS:
                idle = 0
                self._watched.clear()
                if not self._running:
                    self._watched.wait()


async def until(value):
    """A coroutine of whatever can be awaited."""
    return await value


def repr_free(value, default):
    """A name or version to tell, where the plugin has one that is a text."""
    return value if isinstance(value, str) else default


def write_log(text):
    """Writes lines to the log, by the worker's own descriptor. Never raises."""
    try:
        data = text.encode("utf-8", "backslashreplace")
        while data:
            data = data[os.write(own_output[2], data) :]
    except BaseException:
        pass


def complain(what, error):
    """Writes an error of the plugin to the log. Never raises."""
    try:
        stack = stack_of(error)
    except BaseException:
        stack = "%s: %s\n" % (type_name(error), text_of(error))
    write_log("greenroom: %s\n%s" % (what, bounded(stack)))


def log_to_stderr():
    """Shows `logging` from INFO on, if the plugin uses it and has not set it up. It is not imported for this."""
    logging = sys.modules.get("logging")
    root = getattr(logging, "root", None)
    if root is None or root.handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("[%(levelname)s] %(name)s: %(message)s"))
    root.addHandler(handler)
    if root.level == logging.WARNING:
        root.setLevel(logging.INFO)


# Requests


def apart(sock):
    """The socket, off the standard descriptors, which the plugin has closed where a socket gets one of their numbers."""
    taken = []
    while sock.fileno() <= 2:
        taken.append(sock)
        sock = sock.dup()
    for socket_ in taken:
        socket_.close()
    if taken:
        restore_standard()
    return sock


class Server:
    """Answers requests: `/health` and `/cancel` on the connection's own thread, all else where plugin code runs."""

    def __init__(self, host, boot):
        self._host = host
        self._nonce = boot["nonce"]
        self._authorization = b"Bearer " + boot["token"].encode("utf-8")
        self._tcp_host = None
        self._sockets = set()
        self._routes = {
            "/health": ("GET", self._health),
            "/cancel": ("POST", self._cancel),
            "/execute": ("POST", self._call),
            "/execute_stream": ("POST", self._call),
            "/initialize": ("POST", self._initialize),
            "/config": ("GET", self._config),
            "/config_schema": ("GET", self._config_schema),
            "/release": ("POST", self._release),
            "/cleanup": ("POST", self._cleanup),
        }

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
        """In a forked child: it can neither answer, nor keep an address or a connection open that the worker has left."""
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
                sock = apart(listener.accept()[0])
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
                    answered = self._route(connection, method, target, body)
                except RequestError as error:
                    connection.refuse(error.wire, error.status)
                    answered = True
                except BaseException as error:
                    connection.refuse(describe(error))
                    answered = True
                if answered:
                    connection.answering.release()
        except RequestError as error:
            # What follows such a request on this connection cannot be trusted.
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

    def _route(self, connection, method, target, body):
        """Answers or hands on; true if the answer was sent."""
        route = self._routes.get(target)
        if route is None:
            raise RequestError(404, "NotFound", "there is no %s" % target)
        if method != route[0]:
            raise RequestError(405, "MethodNotAllowed", "%s takes %s, not %s" % (target, route[0], method))
        value = None
        if method == "POST":
            value = parse(body) if body else {}
        return route[1](connection, value, target)

    def _health(self, connection, _value, _target):
        host = self._host
        health = {"status": "ok", "pid": os.getpid(), "nonce": self._nonce, "name": host.name, "version": host.version}
        connection.answer(encode(health))
        return True

    def _cancel(self, connection, value, _target):
        id_ = value.get("call")
        if not isinstance(id_, str):
            raise RequestError(400, "BadRequest", 'the body of /cancel must be {"call": …}')
        connection.answer(encode({"outcome": self._host.cancel(id_)}))
        return True

    def _call(self, connection, value, target):
        id_, args, kwargs = value.get("call"), value.get("args", []), value.get("kwargs", {})
        if not (isinstance(id_, str) and id_ and isinstance(args, list) and isinstance(kwargs, dict)):
            raise RequestError(400, "BadRequest", 'a call must be {"call": string, "args": list, "kwargs": object}')
        call = Call(self._host, connection, id_, args, kwargs, target == "/execute_stream")
        connection.call = call
        self._host.submit(call)
        return False

    def _initialize(self, connection, value, _target):
        config = value.get("config")

        def initialize():
            log_to_stderr()
            method = getattr(self._host.plugin, "initialize", None)
            if method is not None:
                self._host.settle(method({} if config is None else config))
            self._host.refresh()
            return {"status": "ok"}

        return self._on_main(connection, "initialize()", initialize)

    def _config(self, connection, _value, _target):
        return self._on_main(connection, "get_current_config()", lambda: self._ask("get_current_config"), "config")

    def _config_schema(self, connection, _value, _target):
        action = lambda: self._ask("get_config_schema")
        return self._on_main(connection, "get_config_schema()", action, "config schema")

    def _release(self, connection, _value, _target):
        if not callable(attribute(self._host.plugin, "release")):
            connection.answer(b'{"outcome":"unsupported"}')
            return True

        def release():
            self._host.settle(self._host.plugin.release())
            return {"outcome": "released"}

        return self._on_main(connection, "release()", release)

    def _cleanup(self, connection, _value, _target):
        """Cleans up on the main thread once no call runs; after a while here, beside what does not end."""

        def cleanup():
            self._ask("cleanup")
            return {"status": "ok"}

        host = self._host
        job = self._job(connection, "cleanup()", cleanup)
        deadline = time.monotonic() + CLEANUP_GRACE_SECONDS
        claim = threading.Lock()
        claimed = threading.Event()

        def once():
            if claim.acquire(blocking=False):
                claimed.set()
                job()

        host.wait_for_calls(CLEANUP_GRACE_SECONDS)
        host.jobs.put(once)
        claimed.wait(max(0.0, deadline - time.monotonic()))
        once()
        return False

    def _ask(self, name):
        method = getattr(self._host.plugin, name, None)
        return {} if method is None else self._host.settle(method())

    def _on_main(self, connection, what, action, where="result"):
        self._host.jobs.put(self._job(connection, what, action, where))
        return False

    @staticmethod
    def _job(connection, what, action, where="result"):
        """Answers with what `action` returns or raises, on whichever thread it is called."""

        def job():
            try:
                try:
                    body = encode(action(), where)
                    end_child()
                except BaseException as error:
                    end_child(error)
                    complain("%s failed" % what, error)
                    connection.refuse(describe(error))
                else:
                    connection.answer(body)
            finally:
                connection.answering.release()

        return job


def parse(body):
    try:
        value = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise RequestError(400, "BadRequest", "the body is not JSON: %s" % error) from None
    if not isinstance(value, dict):
        raise RequestError(400, "BadRequest", "the body must be a JSON object")
    return value


# The process


def read_boot(fd):
    """Reads the boot line. The host writes nothing after it, so what a read returns is never too much."""
    line = b""
    while b"\n" not in line:
        data = os.read(fd, READ_BYTES)
        if not data:
            fail("there is no boot line on standard input: this program is started by Greenroom, not by hand")
        line += data
    return json.loads(line)


def lifeline(fd):
    """Ends the process when the host is gone, whatever the main thread is doing."""
    try:
        while os.read(fd, READ_BYTES):
            pass
    except OSError:
        pass
    os._exit(1)


def fail(message, status=1):
    """Ends the process at once, without waiting for threads that the plugin may have started."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:
            pass
    if message:
        write_log(message + "\n")
    os._exit(status)


def private_output():
    """Keeps the descriptors of the output for the worker, and lets the plugin print any text, whatever the locale."""
    for stream, fd in ((sys.stdout, 1), (sys.stderr, 2)):
        own_output[fd] = os.dup(fd)
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def restore_standard():
    """Opens the standard descriptors again that the plugin has closed: a socket must not become what it prints to."""
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            if fd == 0:
                null = os.open(os.devnull, os.O_RDONLY)
                if null != 0:
                    os.dup2(null, 0)
                    os.close(null)
            else:
                os.dup2(own_output[fd], fd)


def private_stdin():
    """Takes standard input away from plugin code, whose child processes would otherwise hold the lifeline."""
    fd = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return fd


def forget_worker(host, server, lifelines):
    """Takes from a child that plugin code has forked, or that multiprocessing has, what only the worker may have."""
    host.forget_calls()
    server.forget_sockets()
    # Once: in a grandchild the number may be that of a file of the plugin.
    while lifelines:
        os.close(lifelines.pop())
    for fd, own in own_output.items():
        if own != fd:
            os.close(own)
            own_output[fd] = fd


def main():
    stdin = private_stdin()
    private_output()
    boot = read_boot(stdin)
    threading.Thread(target=lifeline, args=(stdin,), name="greenroom-lifeline", daemon=True).start()
    sys.setswitchinterval(SWITCH_SECONDS)
    # A handler, not SIG_IGN, which the plugin's child processes would inherit. SIGTERM keeps ending the process at once.
    signal.signal(signal.SIGINT, lambda *_: None)
    if PROTOCOL not in boot["protocol"]:
        fail("this worker speaks version %d of the protocol; the host offers %s" % (PROTOCOL, boot["protocol"]))

    wanted = boot["plugin"]
    # In place of this file's own folder.
    sys.path[0] = wanted["folder"]
    # Last, so that nothing in it takes the place of an installed module.
    if os.getcwd() not in sys.path and not getattr(sys.flags, "safe_path", False):
        sys.path.append(os.getcwd())
    try:
        kind = load_class(wanted.get("module") or "plugin", wanted.get("class"))
        log_to_stderr()
        plugin = kind()
        end_child()
    except SystemExit as error:
        fail(text_of(error), error.code if isinstance(error.code, int) and error.code else 1)
    except BaseException as error:
        fail(str(error) if type(error) is LookupError else stack_of(error))

    restore_standard()
    concurrency = max(1, boot.get("concurrency", 1))
    host = Host(plugin, wanted["name"], concurrency)
    server = Server(host, boot)
    lifelines = [stdin]
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: forget_worker(host, server, lifelines))
    address, control = server.listen(boot["listen"])
    handshake = {
        "greenroom": PROTOCOL,
        "nonce": boot["nonce"],
        "pid": os.getpid(),
        "address": address,
        "control": control,
        "sdk": SDK,
        "capabilities": ["stream", "progress", "settle"]
        + [name for name in ("cancel", "release", "cleanup") if callable(attribute(plugin, name))],
        "concurrency": concurrency,
    }
    try:
        sys.stdout.flush()
    except Exception:
        pass
    # The line break before it ends what the plugin may have printed without one.
    os.write(own_output[1], b"\n" + encode(handshake) + b"\n")
    host.run()


if __name__ == "__main__":
    main()
