"""What can be known of a function without `inspect`, whose import would cost more than all else of a start."""

from types import MethodType

from .errors import attribute, is_of

# How many decorators are looked through; a chain of them may be a circle.
MAX_LAYERS = 100
HAS_VAR_POSITIONAL, HAS_VAR_KEYWORD, IS_GENERATOR, IS_ASYNC_GENERATOR = 0x04, 0x08, 0x20, 0x200


class Signature:
    """The parameters of a function, read from its code: of the innermost, where decorators name what they wrap."""

    def __init__(self, function, is_bound):
        code = function.__code__
        names, count, keywords = code.co_varnames, code.co_argcount, code.co_kwonlyargcount
        positional = names[:count][is_bound:]
        self.function = function
        self.positional_only = names[: code.co_posonlyargcount][is_bound:]
        self.positional = positional
        self.names = positional + names[count : count + keywords]
        defaults = attribute(function, "__defaults__") or ()
        self.defaults = dict(zip(names[count - len(defaults) : count], defaults))
        self.defaults.update(attribute(function, "__kwdefaults__") or {})
        self.is_generator = bool(code.co_flags & (IS_GENERATOR | IS_ASYNC_GENERATOR))
        self.has_var_positional = bool(code.co_flags & HAS_VAR_POSITIONAL)
        self.var_keyword = None
        if code.co_flags & HAS_VAR_KEYWORD:
            self.var_keyword = names[count + keywords + self.has_var_positional]

    def takes(self, name):
        """Whether the function takes a keyword argument of this name."""
        return self.var_keyword is not None or name in self.names and name not in self.positional_only

    def misfit(self, args, kwargs):
        """Why the function cannot be called with these arguments, as the rest of a sentence, or None."""
        by_position = self.positional[: len(args)]
        if len(args) > len(self.positional) and not self.has_var_positional:
            most = "at most %d by position" % len(self.positional) if self.positional else "none by position"
            by_name = [name for name in self.names if name not in self.positional]
            return "got %d arguments by position and takes %s%s%s" % (
                len(args),
                most,
                " (%s)" % ", ".join(self.positional) if self.positional else "",
                "; by name: %s" % ", ".join(by_name) if by_name else "",
            )
        twice = [name for name in by_position if name in kwargs and (self.takes(name) or self.var_keyword is None)]
        if twice:
            return "got %s twice, by position and by name" % ", ".join(twice)
        unknown = [name for name in kwargs if not (self.takes(name) or name in self.names)]
        if unknown:
            return "takes no %s; it takes %s" % (", ".join(unknown), ", ".join(self.names) or "no arguments")
        missing = [name for name in self.names if not (name in by_position or name in kwargs or name in self.defaults)]
        return "needs %s" % ", ".join(missing) if missing else None

    def by_position(self, args, kwargs):
        """The arguments of a call, with those of positional-only parameters taken from the keywords."""
        args, kwargs = list(args), dict(kwargs)
        for name in self.positional_only[len(args) :]:
            if name in kwargs:
                args.append(kwargs.pop(name))
            elif name in self.defaults:
                args.append(self.defaults[name])
            else:
                break
        return args, kwargs


def signature_of(function):
    """The signature of a callable, or None where it has no code in Python to read it from."""
    *_, innermost = layers(function)
    if attribute(attribute(innermost, "__code__"), "co_varnames") is None:
        return None
    return Signature(innermost, is_of(function, MethodType))


def layers(function):
    """The function, and what it binds or wraps, the outermost first. Asks nothing of objects that answer anything."""
    for _ in range(MAX_LAYERS):
        yield function
        if is_of(function, (MethodType, staticmethod, classmethod)):
            function = function.__func__
        else:
            function = attribute_of(function, "__wrapped__")
            if function is None:
                return


def attribute_of(function, name):
    """What decorators have set on a function itself."""
    own = attribute(function, "__dict__")
    return own.get(name) if is_of(own, dict) else None
