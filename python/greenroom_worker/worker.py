"""The plugin and the threads that run its code."""

import threading

from .calls import Calls
from .errors import attribute
from .event_loops import EventLoops
from .light_imports import SimpleQueue
from .log import complain, log_to_stderr
from .main_thread import MainThread
from .progress import ProgressReports
from .tools import Tools


class Worker:
    """
    The plugin and what belongs to it: its tools, calls, progress, event loops. `jobs` run on the main thread. `framed`:
    calls come as frames.
    """

    def __init__(self, plugin, name, concurrency, framed):
        self.plugin = plugin
        self.jobs = MainThread(framed and concurrency == 1)
        self.name = name
        self.version = ""
        self.event_loops = EventLoops()
        self.tools = Tools(plugin)
        call_jobs = self.jobs if concurrency == 1 else SimpleQueue()
        self.calls = Calls(plugin, self.event_loops, call_jobs)
        if concurrency > 1:
            for index in range(concurrency):
                threading.Thread(target=self._serve, args=(call_jobs,), name="greenroom-call-%d" % index, daemon=True).start()
        self.progress = ProgressReports(plugin, self.calls)
        self._offer_traceparent()
        self.refresh()

    @staticmethod
    def _serve(jobs):
        while True:
            try:
                jobs.get()()
            except Exception as error:
                complain("an exception outside of any call", error)

    def _offer_traceparent(self):
        """Gives the instance a `traceparent()`: that of the running call, or None. One of the plugin's own stays."""
        if attribute(self.plugin, "traceparent") is not None:
            return

        def traceparent():
            call = self.progress.current()
            return None if call is None else call.traceparent

        try:
            self.plugin.traceparent = traceparent
        except Exception:
            pass

    def refresh(self):
        """Reads name and version, so that `/health` can say them without running plugin code."""
        self.name = text_or(attribute(self.plugin, "name"), self.name)
        self.version = text_or(attribute(self.plugin, "version"), self.version)

    def prepare(self, call):
        """Makes the plugin ready for a call, on the thread that will run it."""
        self.progress.enter(call)
        # The plugin may have imported `logging` since.
        log_to_stderr()
        # The base class of older plugins leaves it to the worker to take the flag of the last cancel back.
        if attribute(self.plugin, "_cancel_requested"):
            self.plugin._cancel_requested = False
        self.progress.watch()

    def finish(self, call):
        """Forgets a call, on the thread that ran it."""
        self.calls.finish(call)
        self.progress.enter(None)

    def forget_calls(self):
        """In a forked child: the calls are those of the worker."""
        self.calls.forget()
        self.progress.forget()
        self.event_loops.forget()


def text_or(value, default):
    """The value, if it is a text."""
    return value if isinstance(value, str) else default
