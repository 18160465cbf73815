"""
Exceptions as errors of the protocol: type, message, category, traceback.

An exception comes from the plugin, and may raise for everything that it is asked.
"""

import json
import os
import sys

from .json_values import encode
from .light_imports import socket

# The longest message and traceback of an error that are passed on, in characters.
MAX_ERROR_CHARACTERS = 64 * 1024
CATEGORIES = ("input", "transient", "resource", "fatal")
STATUS_OF_CATEGORY = {"input": 400, "transient": 503, "resource": 507}
# The folder of the worker's own modules.
WORKER_FOLDER = os.path.dirname(__file__)


def is_of(error, class_):
    """`isinstance` for exceptions, whose `__class__` may raise."""
    return issubclass(type(error), class_)


def type_name(value):
    """The name of a value's class. Never raises, even where the metaclass does."""
    try:
        return type.__getattribute__(type(value), "__name__")
    except BaseException:
        return "object"


def text_of(error):
    """The message of an exception. Never raises, even where its `__str__` does."""
    try:
        if is_of(error, SystemExit):
            return "the plugin asked to exit with status %r" % (error.code,)
        return str(error)
    except BaseException:
        return "a %s whose message cannot be read" % type_name(error)


def category_of(error, message):
    """The category of an exception that does not name one itself."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if isinstance(error, MemoryError) or "OutOfMemoryError" in names or "CUDA out of memory" in message:
        return "resource"
    # Older Pythons have several classes of this name.
    if isinstance(error, (ConnectionError, TimeoutError, socket.timeout)) or "TimeoutError" in names:
        return "transient"
    return "fatal"


def stack_of(error):
    """The traceback as text, without the worker's own frames before those of the plugin."""
    import traceback

    trace = error.__traceback__
    while trace is not None and os.path.dirname(trace.tb_frame.f_code.co_filename) == WORKER_FOLDER:
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace)) + install_advice(error)


# The packages of modules that have another name.
PACKAGE_OF_MODULE = {
    "PIL": "pillow",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}


def install_advice(error):
    """For a module that is not installed, a line with the command that installs it into this interpreter; else nothing."""
    name = attribute(error, "name")
    if not is_of(error, ModuleNotFoundError) or not isinstance(name, str):
        return ""
    name = name.partition(".")[0]
    if not name.isidentifier() or name in sys.modules or not has_pip():
        return ""
    return "To install it, run: %s -m pip install %s\n" % (sys.executable, PACKAGE_OF_MODULE.get(name, name))


def has_pip():
    """Whether this interpreter can install packages. An environment that Greenroom made cannot; what to do there, the host says."""
    # Only an error needs it, and not the start of every worker.
    import importlib.util

    try:
        return importlib.util.find_spec("pip") is not None
    except BaseException:
        return False


def attribute(value, name, default=None):
    """An attribute that may be a property which raises."""
    try:
        return getattr(value, name, default)
    except BaseException:
        return default


def describe(error, carries_bytes=False):
    """An exception as the protocol's error; its details may have bytes where the wire carries them. Never raises."""
    try:
        return described(error, carries_bytes)
    except BaseException:
        message = bounded(text_of(error))
        return {"type": type_name(error), "message": message, "category": "fatal", "retryable": False}


def described(error, carries_bytes):
    """The same, but raises where the exception's own attributes do."""
    message = text_of(error)
    category = attribute(error, "category")
    if not (isinstance(category, str) and category in CATEGORIES):
        category = category_of(error, message)
    retryable = attribute(error, "retryable")
    if not isinstance(retryable, bool):
        retryable = category in ("transient", "resource")
    wire = {"type": type_name(error), "message": bounded(message), "category": category, "retryable": retryable}
    details = attribute(error, "details")
    if details is not None and not callable(details):
        try:
            wire["details"] = exact(details, carries_bytes)
        except BaseException:
            wire["details"] = repr_of(details)
    try:
        wire["stack"] = bounded(stack_of(error))
    except BaseException:
        pass
    return wire


def exact(details, carries_bytes):
    """The details of an error as they are now, in types that JSON and bytes have. Raises `SerializeError`."""
    placed = [] if carries_bytes else None
    value = json.loads(encode(details, "details", placed))
    if placed:
        from .placed_bytes import put_bytes

        value = put_bytes(value, placed)
    return value


def bounded(text, most=MAX_ERROR_CHARACTERS):
    """The text, without its middle where it has more characters than it may."""
    over = len(text) - most
    if over <= 0:
        return text
    half = most // 2
    return "%s… %d characters left out …%s" % (text[:half], over, text[-half:])


def repr_of(value):
    """The `repr` of a value. Never raises."""
    try:
        return repr(value)
    except BaseException:
        return "<%s>" % type_name(value)
