"""The requests of the worker protocol, and what each of them does."""

import os
import threading
import time

from .call_request import RequestError, call_of, parse
from .errors import attribute, describe
from .json_values import encode
from .log import complain, log_to_stderr
from .process import end_child

# How long `/cleanup` waits for calls to end, in seconds. Then it runs beside them, which is better than never.
CLEANUP_GRACE_SECONDS = 1.0


class Routes:
    """Answers `/health` and `/cancel` on the thread of the connection, all else on the threads that run plugin code."""

    def __init__(self, worker, nonce):
        self._worker = worker
        self._nonce = nonce
        self._tool_list = None
        self._routes = {
            "/health": ("GET", self._health),
            "/cancel": ("POST", self._cancel),
            "/execute": ("POST", self._call),
            "/execute_stream": ("POST", self._call),
            "/initialize": ("POST", self._initialize),
            "/tools": ("GET", self._tools),
            "/code": ("GET", self._code),
            "/config": ("GET", self._config),
            "/config_schema": ("GET", self._config_schema),
            "/release": ("POST", self._release),
            "/cleanup": ("POST", self._cleanup),
        }

    def answer(self, connection, method, target, body):
        """Answers a request, or queues what will answer it; true if the answer was sent."""
        route = self._routes.get(target)
        if route is None:
            raise RequestError(404, "NotFound", "there is no %s" % target)
        if method != route[0]:
            raise RequestError(405, "MethodNotAllowed", "%s takes %s, not %s" % (target, route[0], method))
        value = None
        if method == "POST":
            value = parse(decoded(body)) if body else {}
        return route[1](connection, value, target)

    def _health(self, connection, _value, _target):
        worker = self._worker
        health = {"status": "ok", "pid": os.getpid(), "nonce": self._nonce, "name": worker.name, "version": worker.version}
        connection.answer(encode(health))
        return True

    def _cancel(self, connection, value, _target):
        id_ = value.get("call")
        if not isinstance(id_, str):
            raise RequestError(400, "BadRequest", 'the body of /cancel must be {"call": …}')
        connection.answer(encode({"outcome": self._worker.calls.cancel(id_)}))
        return True

    def _call(self, connection, value, target):
        from .http_answer import HttpAnswer

        call = call_of(self._worker, value, target == "/execute_stream", lambda id_: HttpAnswer(connection, id_))
        connection.call = call
        self._worker.calls.submit(call)
        return False

    def _tools(self, connection, _value, _target):
        if self._tool_list is not None:
            connection.answer(encode(self._tool_list))
            return True

        def describe():
            # What it needs of `typing` would cost every start more than all else.
            from .tool_list import tool_list

            self._tool_list = tool_list(self._worker.plugin, self._worker.tools)
            return self._tool_list

        return self._on_main(connection, "the description of the tools", describe)

    def _code(self, connection, _value, _target):
        from .loaded_code import loaded_code

        connection.answer(encode({"files": loaded_code()}))
        return True

    def _initialize(self, connection, value, _target):
        config = value.get("config")

        def initialize():
            log_to_stderr()
            method = getattr(self._worker.plugin, "initialize", None)
            if method is not None:
                self._worker.event_loops.settle(method({} if config is None else config))
            self._worker.refresh()
            return {"status": "ok"}

        return self._on_main(connection, "initialize()", initialize)

    def _config(self, connection, _value, _target):
        return self._on_main(connection, "get_current_config()", lambda: self._ask("get_current_config"), "config")

    def _config_schema(self, connection, _value, _target):
        action = lambda: self._ask("get_config_schema")
        return self._on_main(connection, "get_config_schema()", action, "config schema")

    def _release(self, connection, _value, _target):
        if not callable(attribute(self._worker.plugin, "release")):
            connection.answer(b'{"outcome":"unsupported"}')
            return True

        def release():
            self._worker.event_loops.settle(self._worker.plugin.release())
            return {"outcome": "released"}

        return self._on_main(connection, "release()", release)

    def _cleanup(self, connection, _value, _target):
        """Cleans up on the main thread once no call runs; after a while on this one, beside calls that do not end."""

        def cleanup():
            self._ask("cleanup")
            return {"status": "ok"}

        worker = self._worker
        job = self._job(connection, "cleanup()", cleanup)
        deadline = time.monotonic() + CLEANUP_GRACE_SECONDS
        claim = threading.Lock()
        claimed = threading.Event()

        def once():
            if claim.acquire(blocking=False):
                claimed.set()
                job()

        worker.calls.wait_until_idle(CLEANUP_GRACE_SECONDS)
        worker.jobs.put(once)
        claimed.wait(max(0.0, deadline - time.monotonic()))
        once()
        return False

    def _ask(self, name):
        method = getattr(self._worker.plugin, name, None)
        return {} if method is None else self._worker.event_loops.settle(method())

    def _on_main(self, connection, what, action, where="result"):
        self._worker.jobs.put(self._job(connection, what, action, where))
        return False

    @staticmethod
    def _job(connection, what, action, where="result"):
        """A function that answers with the result or the exception of `action`, on the thread that calls it."""

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


def decoded(body):
    """A body as text."""
    try:
        return str(body, "utf-8")
    except UnicodeDecodeError as error:
        raise RequestError(400, "BadRequest", "the body is not UTF-8: %s" % error) from None
