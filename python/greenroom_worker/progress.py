"""Progress: what a plugin reports with `report_progress`, or says in attributes, which a thread watches."""

import math
import threading
import time

from .errors import attribute

# How often the progress attributes of a plugin are read while it runs, and after how many idle looks the thread waits.
WATCH_SECONDS = 0.05
WATCH_IDLE_LOOKS = 20


class ProgressReports:
    """Passes the progress of the plugin on to the call that it belongs to."""

    def __init__(self, plugin, calls):
        self._plugin = plugin
        self._calls = calls
        self._local = threading.local()
        self._watched = threading.Event()
        self._watcher = None
        self._wrap()

    def enter(self, call):
        """From now on, this thread runs the call; None: no call."""
        self._local.call = call

    def status(self):
        """The plugin's own progress attributes, or None."""
        progress = attribute(self._plugin, "_progress")
        return None if progress is None else progress_of(progress, attribute(self._plugin, "_status_message", ""))

    def watch(self):
        """Watches the progress attributes, where the plugin has them."""
        if attribute(self._plugin, "_progress") is None:
            return
        if self._watcher is None:
            self._watcher = threading.Thread(target=self._look_often, name="greenroom-progress", daemon=True)
            self._watcher.start()
        if not self._watched.is_set():
            self._watched.set()

    def forget(self):
        """In a forked child: its call is that of the worker, so that it reports no progress of it."""
        self._local = threading.local()

    def current(self):
        """The call of this thread, or, on threads of the plugin, the only one that runs."""
        call = getattr(self._local, "call", None)
        if call is None:
            try:
                (call,) = tuple(self._calls.running)
            except (ValueError, RuntimeError):
                return None
        return call

    def _wrap(self):
        """Makes the instance's `report_progress` also tell the host program. A sealed instance is only watched."""
        original = attribute(self._plugin, "report_progress")

        def report_progress(*args, **kwargs):
            call = self.current()
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
            self._plugin.report_progress = report_progress
        except Exception:
            pass

    def _look_often(self):
        idle = 0
        while True:
            time.sleep(WATCH_SECONDS)
            call = self.current()
            if call is not None:
                idle = 0
                call.look()
                continue
            idle += 1
            if idle > WATCH_IDLE_LOOKS:
                idle = 0
                self._watched.clear()
                if not self._calls.running:
                    self._watched.wait()


def progress_of(progress, message):
    """Progress in the form of the protocol: a number, -1 for unknown, and a text. None where it has another form."""
    try:
        progress = float(progress)
        return (progress if math.isfinite(progress) else -1.0), "" if message is None else str(message)
    except BaseException:
        return None
