"""Which files the modules of the plugin were loaded from."""

import os
import sys

PACKAGES = ("site-packages", "dist-packages")


def loaded_code():
    """The source files of all modules but those of Python, of installed packages and of this worker."""
    others = tuple(os.path.dirname(os.path.abspath(file)) + os.sep for file in (os.__file__, __file__))
    found = set()
    # A copy, as calls may import more at the same time.
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if not isinstance(file, str) or not file.endswith(".py"):
            continue
        path = os.path.abspath(file)
        if not path.startswith(others) and not any(part in PACKAGES for part in path.split(os.sep)):
            found.add(path)
    return sorted(found)
