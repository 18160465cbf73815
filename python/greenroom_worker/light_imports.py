"""
What the worker needs of hmac, importlib.util, queue, signal and socket, from the modules behind them. Importing those
whole would cost every start milliseconds, for parts that the worker does not use.
"""

try:
    from _operator import _compare_digest as compare_digest
except ImportError:
    from hmac import compare_digest
try:
    from _frozen_importlib import module_from_spec
    from _frozen_importlib_external import spec_from_file_location
except ImportError:
    from importlib.util import module_from_spec, spec_from_file_location
try:
    from _queue import SimpleQueue
except ImportError:
    from queue import SimpleQueue
try:
    from _signal import SIGINT, signal
except ImportError:
    from signal import SIGINT, signal
try:
    import _socket as socket
except ImportError:
    import socket

__all__ = [
    "SIGINT",
    "SimpleQueue",
    "accept",
    "compare_digest",
    "duplicate",
    "module_from_spec",
    "signal",
    "socket",
    "socket_pair",
    "spec_from_file_location",
]


def accept(listener):
    """The socket of the next client."""
    # Both modules have it; it returns the descriptor of the new socket.
    return socket.socket(fileno=listener._accept()[0])


def duplicate(sock):
    """The same socket with another descriptor."""
    return socket.socket(fileno=socket.dup(sock.fileno()))


def socket_pair():
    """Two sockets that are connected with each other."""
    try:
        return socket.socketpair()
    except AttributeError:
        from socket import socketpair

        return socketpair()
