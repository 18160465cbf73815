"""How this process ends, and what a child that plugin code has forked must not have of the worker."""

import os
import sys

from .errors import is_of, stack_of, text_of, type_name
from .log import write_log
from .standard_streams import own_output

READ_BYTES = 64 * 1024
# The process that is the worker. A child that plugin code forks is not the worker, wherever its code returns to.
WORKER_PID = os.getpid()


def end_child(error=None):
    """Ends a forked child whose plugin code has returned, or raised `error`: only the worker goes on from here."""
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


def end_with_host(fd):
    """Ends the process when the host is gone, even while the main thread is busy. Runs on a thread of its own."""
    try:
        while os.read(fd, READ_BYTES):
            pass
    except OSError:
        pass
    os._exit(1)


def forget_worker(worker, listening, lifelines):
    """Takes from a child that plugin code or multiprocessing has forked what only the worker may have."""
    worker.forget_calls()
    for part in listening:
        part.forget_sockets()
    # Once: in a grandchild the number may belong to a file of the plugin.
    while lifelines:
        os.close(lifelines.pop())
    for fd, own in own_output.items():
        if own != fd:
            os.close(own)
            own_output[fd] = fd
