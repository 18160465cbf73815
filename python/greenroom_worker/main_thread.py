"""What the main thread does: what other threads ask of it, and, of a worker with one call at a time, its calls."""

from .light_imports import SimpleQueue, socket_pair
from .log import complain
from .process import fail
from .standard_streams import apart

READ_BYTES = 4096
# `select.POLLIN`; the module is imported when there is nothing else to do.
READABLE = 1


class MainThread:
    """
    Runs jobs, functions that any thread puts. If it `reads`, it also waits for sockets, and a put wakes it by one more.
    """

    def __init__(self, reads):
        self.reads = reads
        self._jobs = SimpleQueue()
        self._watched = {}
        self._poll = None
        self._bell = self._heard = None
        if reads:
            self._bell, self._heard = map(apart, socket_pair())
            self._bell.setblocking(False)
            self._heard.setblocking(False)

    def put(self, job):
        """Has the main thread run a job."""
        self._jobs.put(job)
        if self._bell is not None:
            try:
                self._bell.send(b"\0")
            except OSError:
                # It is full of wakes, or this is a forked child.
                pass

    def run(self):
        """Runs jobs for ever."""
        if self.reads:
            self._poll = poll()
            self.watch(self._heard, self._hear)
        while True:
            try:
                self._turn()
            except Exception as error:
                # A signal handler of the plugin may raise between two calls. Its SystemExit still ends the worker.
                complain("an exception outside of any call", error)

    def watch(self, sock, action):
        """Calls `action` whenever there is something to read; on the main thread only."""
        self._watched[sock.fileno()] = action
        self._poll.register(sock.fileno(), READABLE)

    def unwatch(self, sock):
        """Takes `watch` back; on the main thread only."""
        if self._watched.pop(sock.fileno(), None) is not None:
            self._poll.unregister(sock.fileno())

    def forget_sockets(self):
        """In a forked child: it must not wake the worker."""
        for sock in (self._bell, self._heard):
            if sock is not None:
                sock.close()

    def _turn(self):
        jobs = self._jobs
        if not self.reads:
            return jobs.get()()
        while not jobs.empty():
            jobs.get()()
        for fd, _ in self._poll.poll():
            action = self._watched.get(fd)
            if action is not None:
                action()

    def _hear(self):
        try:
            self._heard.recv(READ_BYTES)
        except BlockingIOError:
            pass
        except OSError as error:
            fail("the plugin has closed a descriptor of the worker: %s" % error)


class Select:
    """`select.poll` for systems that have only `select.select`."""

    def __init__(self, select):
        self._select = select
        self._fds = set()

    def register(self, fd, _events):
        self._fds.add(fd)

    def unregister(self, fd):
        self._fds.discard(fd)

    def poll(self):
        readable, _, _ = self._select(self._fds, (), ())
        return [(fd, READABLE) for fd in readable]


def poll():
    """What the system has to wait for several sockets."""
    import select

    return select.poll() if hasattr(select, "poll") else Select(select.select)
