"""The calls of the plugin that wait or run. Any thread may ask."""

import threading

from .call import OVER, QUEUED, RUNNING
from .errors import attribute
from .log import complain
from .process import end_child

# Of so many cancels is remembered that their call was unknown: it may not have been read yet.
MAX_EARLY = 64


class Calls:
    """Submits, begins, cancels and forgets calls. `jobs` is the queue of the threads that run them."""

    def __init__(self, plugin, event_loops, jobs):
        self.running = set()
        self._plugin = plugin
        self._event_loops = event_loops
        self._jobs = jobs
        self._known = {}
        self._lock = threading.Lock()
        # The calls of the last cancels that came too early, or too late.
        self._early = {}
        # Set while something waits until there are no calls.
        self._idle = None

    def submit(self, call, outrun=False):
        """Queues a call; `outrun`: its cancel may have come before it, by another connection."""
        if self._enter(call, outrun):
            self._jobs.put(call.run)

    def run(self, call):
        """Runs a call on this thread, whose cancel may have come before it."""
        if self._enter(call, True):
            call.run()

    def _enter(self, call, outrun):
        with self._lock:
            if not (outrun and self._early and self._early.pop(call.id, False)):
                self._known[call.id] = call
                return True
        call.drop()
        return False

    def begin(self, call):
        """Marks a call as running; false if it is over already."""
        with self._lock:
            if call.state == OVER:
                return False
            if not call.stopped:
                call.state = RUNNING
                self.running.add(call)
                return True
            self._forget(call)
        call.abandon()
        return False

    def finish(self, call):
        """Forgets a call that ran."""
        with self._lock:
            self._forget(call)

    def _forget(self, call):
        call.state = OVER
        self.running.discard(call)
        if self._known.get(call.id) is call:
            del self._known[call.id]
        if self._idle is not None and not self._known:
            self._idle.set()

    def wait_until_idle(self, seconds):
        """Waits until no call waits or runs, for at most this time."""
        with self._lock:
            if not self._known:
                return
            idle = self._idle = threading.Event()
        idle.wait(seconds)

    def cancel(self, id_):
        """Asks a call to stop, from any thread; says what happened."""
        with self._lock:
            call = self._known.get(id_)
            if call is None:
                self._remember(id_)
                return "unknown"
            queued = call.state == QUEUED
            if queued:
                self._forget(call)
        if queued:
            call.drop()
            return "requested"
        cancel = attribute(self._plugin, "cancel")
        if callable(cancel):
            call.stopped = True
            try:
                self._event_loops.settle_beside(call, cancel())
                end_child()
            except BaseException as error:
                end_child(error)
                complain("cancel() failed", error)
        elif not call.stream and call.awaited is None:
            return "unsupported"
        call.stop()
        return "requested"

    def _remember(self, id_):
        self._early[id_] = True
        if len(self._early) > MAX_EARLY:
            del self._early[next(iter(self._early))]

    def forget(self):
        """In a forked child: the calls are those of the worker, so that the child reports no progress of them."""
        self.running = set()
