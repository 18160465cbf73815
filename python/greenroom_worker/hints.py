"""Type hints as they are written, read one at a time: a name that is unknown there must not spoil the others."""

import sys
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Generator, Iterable, Iterator

# What is always a stream, and what is one only where the caller of the method takes any iterable for one.
ITERATORS = (AsyncGenerator, AsyncIterable, AsyncIterator, Generator, Iterator)
ITERABLES = (*ITERATORS, Iterable)


class Scope:
    """Where the names in a hint are looked up: in a module, then in a class and by the name of that class."""

    def __init__(self, names, owner=None):
        self.names = names
        self._owner = owner

    def evaluate(self, text):
        """The value of a hint that is a text. Raises what its evaluation raises."""
        try:
            return eval(text, self.names)
        except NameError:
            if self._owner is None:
                raise
            return eval(text, self.names, {self._owner.__name__: self._owner, **vars(self._owner)})


def scope_of_function(function, owner):
    """The scope of the hints of a method of the class `owner`."""
    return Scope(getattr(function, "__globals__", {}), owner)


def scope_of_class(owner):
    """The scope of the hints of a class."""
    return Scope(vars(sys.modules.get(owner.__module__)) if owner.__module__ in sys.modules else {}, owner)


def hints_of(owner):
    """The hints of a function, or those that a class declares itself, not evaluated where they are texts."""
    if sys.version_info >= (3, 14):
        from annotationlib import Format, get_annotations

        return get_annotations(owner, format=Format.FORWARDREF)
    if isinstance(owner, type):
        return vars(owner).get("__annotations__", {})
    return getattr(owner, "__annotations__", None) or {}


def return_hint(signature, owner):
    """The hint of what a method of the class `owner` returns, or None. Raises where a text cannot be evaluated."""
    hint = hints_of(signature.function).get("return")
    return scope_of_function(signature.function, owner).evaluate(hint) if isinstance(hint, str) else hint


def is_stream(signature, owner, kinds):
    """Whether a method of the class `owner` returns a stream: it is a generator, or its hint is one of `kinds`."""
    if signature is None or signature.is_generator:
        return signature is not None
    try:
        return kind_of(return_hint(signature, owner)) in kinds
    except Exception:
        return False


def kind_of(hint):
    """The class behind a hint with parameters or remarks, as `Iterator[int]` has them."""
    while getattr(hint, "__origin__", None) is not None:
        hint = hint.__origin__
    return hint
