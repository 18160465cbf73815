"""One call of a tool: runs it, as a result or a stream. How it is answered is the matter of its `Answer`."""

import threading

from .errors import is_of, text_of, type_name
from .log import complain
from .process import end_child, fail

QUEUED, RUNNING, OVER = range(3)


class Call:
    """One call: its state, its tool and arguments, its answer."""

    def __init__(self, worker, answer, id_, tool, args, kwargs, stream, traceparent):
        self.id = id_
        self.tool = tool
        self.args = args
        self.kwargs = kwargs
        self.stream = stream
        # The W3C traceparent of the call, or None.
        self.traceparent = traceparent
        self.state = QUEUED
        self.stopped = False
        self.muted = False
        # The event loop and the task that the call waits for, if it is asynchronous.
        self.awaited = None
        self._worker = worker
        self._answer = answer
        self._seen = None
        self._reported = None
        self._reporting = threading.Lock()
        self._was_cancelled = False

    def run(self):
        """Runs the call and answers it. Never raises, even where the plugin does."""
        begun = True
        try:
            try:
                begun = self._worker.calls.begin(self)
                if begun:
                    self._end(self._outcome())
            except BaseException as error:
                # A signal handler of the plugin has raised in steps of the worker, before or after those of the plugin.
                self._end(self._failure(error))
        except BaseException as error:
            fail("a call could not be answered: %s" % text_of(error))
        finally:
            if begun:
                self._answer.done()

    def _outcome(self):
        """Runs the plugin's code; returns the last part of the answer."""
        self._seen = self._worker.progress.status()
        try:
            self._worker.prepare(self)
            last = self._run_stream() if self.stream else self._answer.result(self._result())
            end_child()
            return last
        except BaseException as error:
            return self._failure(error)

    def _failure(self, error):
        end_child(error)
        if self._is_our_cancel(error):
            error = Cancelled("the call was cancelled")
        if not is_of(error, Cancelled):
            complain("a call failed", error)
        return self._answer.failure(error)

    def _end(self, last):
        self.look()
        self._worker.finish(self)
        self._answer.end(last)

    def drop(self):
        """Answers a call that was cancelled before it began."""
        self._answer.end(self._answer.failure(Cancelled("the call was cancelled before it began"), 409))
        self._answer.done()

    def abandon(self):
        """Ends a call, without an answer, whose client left before it began."""
        self._answer.done()

    def stop(self):
        """Stops the call, from any thread: a stream ends at the next chunk, an awaited value at once."""
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
        """Cancels the awaited task, on the thread of its loop. Once: a second time would break off its `finally`."""
        if not self._was_cancelled:
            self._was_cancelled = task.cancel()

    def _is_our_cancel(self, error):
        return self.stopped and type_name(error) == "CancelledError"

    def _result(self):
        value, _ = self.tool.call(self.args, self.kwargs, False)
        value = self._worker.event_loops.settle(value, self)
        if hasattr(value, "__next__") or hasattr(value, "__aiter__"):
            return list(self._chunks(value))
        return value

    def _run_stream(self):
        value, is_stream = self.tool.call(self.args, self.kwargs, True)
        value = self._worker.event_loops.settle(value, self)
        if not (is_stream or hasattr(value, "__next__") or hasattr(value, "__aiter__")):
            value = [value]
        say = self._answer.chunk
        for chunk in self._chunks(value):
            say(chunk)
        return self._answer.finish()

    def _chunks(self, source):
        """The chunks of `source`, until the call is stopped. Closes `source` at every end."""
        source = self._worker.event_loops.iterate(source, self)
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
        """Sends progress, unless it is that of the last time."""
        with self._reporting:
            if (progress, message) == self._reported:
                return
            self._reported = (progress, message)
            self._answer.progress(progress, message)

    def look(self):
        """Reports the plugin's progress attributes if they have changed."""
        seen = self._worker.progress.status()
        if seen is not None and not self.muted and seen != self._seen:
            self._seen = seen
            self.report(*seen)

    def skip_status(self):
        """Takes the progress attributes as reported."""
        self._seen = self._worker.progress.status()


class Cancelled(Exception):
    """A call that ended because it was cancelled."""

    # Tracebacks name it after the package.
    __module__ = __package__
