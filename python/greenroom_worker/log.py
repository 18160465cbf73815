"""The log: what the worker writes there itself, and the `logging` of a plugin that has not set it up."""

import os
import sys

from .errors import bounded, stack_of, text_of, type_name
from .standard_streams import own_output


def write_log(text):
    """Writes lines to the log, by the worker's own descriptor. Never raises."""
    try:
        data = text.encode("utf-8", "backslashreplace")
        while data:
            data = data[os.write(own_output[2], data) :]
    except BaseException:
        pass


def complain(what, error):
    """Writes an error of the plugin to the log. Never raises."""
    try:
        stack = stack_of(error)
    except BaseException:
        stack = "%s: %s\n" % (type_name(error), text_of(error))
    write_log("greenroom: %s\n%s" % (what, bounded(stack)))


def log_to_stderr():
    """Shows `logging` from INFO on, if the plugin has imported it and not set it up. The worker does not import it."""
    logging = sys.modules.get("logging")
    root = getattr(logging, "root", None)
    if root is None or root.handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("[%(levelname)s] %(name)s: %(message)s"))
    root.addHandler(handler)
    if root.level == logging.WARNING:
        root.setLevel(logging.INFO)
