"""
What the worker needs of hmac, queue and signal, from the C modules behind them. Importing those whole would cost every
start milliseconds, for parts that the worker does not use.
"""

try:
    from _operator import _compare_digest as compare_digest
except ImportError:
    from hmac import compare_digest
try:
    from _queue import SimpleQueue
except ImportError:
    from queue import SimpleQueue
try:
    from _signal import SIGINT, signal
except ImportError:
    from signal import SIGINT, signal

__all__ = ["SIGINT", "SimpleQueue", "compare_digest", "signal"]
