"""
The standard streams. The plugin may close or replace its own, so the worker keeps descriptors of its output for itself.
It keeps standard input too: the host program writes the boot line there and holds it open, so its end is the host's.
"""

import os
import sys

from .light_imports import duplicate

# The worker's own descriptors of its output, from before the plugin. Set by `private_output`.
own_output = {1: 1, 2: 2}


def private_stdin():
    """Takes standard input away from plugin code, whose child processes would otherwise hold the lifeline."""
    fd = os.dup(0)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    return fd


def private_output():
    """Keeps the descriptors of the output for the worker, and lets the plugin print any text, whatever the locale."""
    for stream, fd in ((sys.stdout, 1), (sys.stderr, 2)):
        own_output[fd] = os.dup(fd)
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def restore_standard():
    """Opens the standard descriptors again that the plugin has closed: a socket must not become its standard output."""
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


def apart(sock):
    """The socket, off the standard descriptors: a new socket gets the number of one that the plugin has closed."""
    taken = []
    while sock.fileno() <= 2:
        taken.append(sock)
        sock = duplicate(sock)
    for socket_ in taken:
        socket_.close()
    if taken:
        restore_standard()
    return sock
