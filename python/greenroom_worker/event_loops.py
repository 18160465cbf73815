"""Plugins that are asynchronous: every thread that runs plugin code has one event loop of its own."""

import threading


class EventLoops:
    """Runs coroutines and asynchronous iterators of the plugin to their results."""

    def __init__(self):
        self._local = threading.local()

    def settle(self, value, call=None):
        """The value, or the result of an awaitable. What is awaited for a call ends when the call is stopped."""
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

    def settle_beside(self, call, value):
        """Awaits a value for a call that another thread runs: on that call's loop, whose objects it may touch."""
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
        """The event loop of this thread: one for all calls, as clients that a plugin keeps belong to a loop."""
        loop = getattr(self._local, "loop", None)
        if loop is None or loop.is_closed():
            import asyncio

            loop = self._local.loop = asyncio.new_event_loop()
            asyncio.set_event_loop(loop)
        return loop

    def forget(self):
        """In a forked child: the loop of its thread is that of the worker."""
        self._local = threading.local()


async def until(value):
    """A coroutine for any awaitable."""
    return await value
