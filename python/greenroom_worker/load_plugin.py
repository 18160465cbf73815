"""Loads the plugin: imports its module, by name or from a file, finds its class, and makes an instance."""

import os
import sys

from .errors import attribute, stack_of, text_of
from .light_imports import module_from_spec, spec_from_file_location
from .log import log_to_stderr
from .process import end_child, fail
from .tools import declared


def load_plugin(wanted):
    """An instance of the plugin's class. Ends the process with the reason where there is none."""
    # In place of the folder that this package lies in.
    sys.path[0] = wanted["folder"]
    # Last, so that nothing in it takes the place of an installed module.
    if os.getcwd() not in sys.path and not getattr(sys.flags, "safe_path", False):
        sys.path.append(os.getcwd())
    try:
        kind = load_class(wanted.get("module") or "plugin", wanted.get("class"))
        log_to_stderr()
        plugin = kind()
        require_callable(plugin)
        end_child()
    except SystemExit as error:
        fail(text_of(error), error.code if isinstance(error.code, int) and error.code else 1)
    except BaseException as error:
        fail(str(error) if type(error) is LookupError else stack_of(error))
    return plugin


def require_callable(plugin):
    """Raises `LookupError` where nothing of the plugin can be called, with the reason why its `tools` do not count."""
    names, reason = declared(type(plugin))
    if names or callable(attribute(plugin, "execute")) or callable(attribute(plugin, "execute_stream")):
        return
    why = "" if reason is None else "; its 'tools' are ignored: %s" % reason
    raise LookupError("the class %s has no method 'execute' and no tools%s" % (type(plugin).__name__, why))


def load_class(module_name, class_name):
    """Imports the plugin's module and finds its class. Raises `LookupError` naming the classes that are there."""
    if module_name.endswith(".py") and os.path.isabs(module_name):
        module = load_file(module_name)
    else:
        module = load_module(module_name)
    own = [value for value in vars(module).values() if isinstance(value, type) and value.__module__ == module.__name__]
    there = ", ".join(kind.__name__ for kind in own) or "none"
    if class_name is not None:
        found = getattr(module, class_name, None)
        if not callable(found):
            raise LookupError("there is no class %r in %s; classes there: %s" % (class_name, module_name, there))
        return found
    whole = [kind for kind in own if not getattr(kind, "__abstractmethods__", None)]
    found = [kind for kind in whole if hasattr(kind, "execute")] or [kind for kind in whole if declared(kind)[0]]
    if len(found) != 1:
        raise LookupError(
            "%s must have exactly one class with a method 'execute' or with tools, or the manifest must name the class; classes there: %s"
            % (module_name, there)
        )
    return found[0]


def load_module(name):
    """Imports a module by its dotted name. Raises `LookupError` where there is none, in contrast to one that it imports."""
    try:
        __import__(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name + ".").startswith(error.name + "."):
            raise
        raise LookupError(
            "there is no module %r in %s, and none is installed for %s" % (error.name, sys.path[0], sys.executable)
        ) from None
    return sys.modules[name]


def load_file(path):
    """Imports a file as a module."""
    folder, file = os.path.split(path)
    if folder not in sys.path:
        sys.path.insert(1, folder)
    name = file[:-3]
    if name in sys.modules:
        name = "greenroom_plugin_" + name
    spec = spec_from_file_location(name, path)
    module = module_from_spec(spec)
    # Dataclasses and pickle look their module up there.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
