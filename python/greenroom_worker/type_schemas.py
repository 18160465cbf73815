"""Type hints as JSON Schema. Hints describe what a plugin takes; the worker converts nothing to them."""

import collections
import collections.abc as abc
import enum
import json
import sys
import types
import typing

from .docstrings import first_paragraph
from .errors import attribute, is_of, repr_of, text_of
from .hints import Scope, hints_of, scope_of_class
from .json_values import encode

NULL = {"type": "null"}
ARRAY, OBJECT, STRING = {"type": "array"}, {"type": "object"}, {"type": "string"}
# By class; subclasses count. `bool` before `int`, which it extends.
SCALARS = (
    (bool, {"type": "boolean"}),
    (str, STRING),
    (int, {"type": "integer"}),
    (float, {"type": "number"}),
    (type(None), NULL),
    ((bytes, bytearray, memoryview), {"type": "string", "contentEncoding": "base64"}),
)
# By name, as their modules need not be imported.
NAMED = {
    "datetime.datetime": {"type": "string", "format": "date-time"},
    "datetime.date": {"type": "string", "format": "date"},
    "datetime.time": {"type": "string", "format": "time"},
    "uuid.UUID": {"type": "string", "format": "uuid"},
}
SETS = (set, frozenset, abc.Set)
MAPPINGS = (dict, abc.Mapping)
ARRAYS = (list, tuple, collections.deque, abc.Sequence)
# These take every class with the right methods for a subclass, so that only they themselves are meant.
ITERABLES = (abc.Iterable, abc.Iterator, abc.Generator, abc.Collection, abc.Reversible, abc.AsyncIterable, abc.AsyncIterator)
UNIONS = (typing.Union, getattr(types, "UnionType", typing.Union))


class TypeSchemas:
    """
    The schemas of the hints of one tool's input, or of its result. Classes are in `definitions`, the `$defs` of the
    whole, so that they may contain themselves. `note(text)` is told what of a hint is unknown.
    """

    def __init__(self, note, is_result=False):
        self.definitions = {}
        self._names = {}
        self._note = note
        self._is_result = is_result

    def of(self, hint, scope):
        """The schema of a hint; `{}`, which any value fits, where JSON Schema cannot say it."""
        return self._unless_unknown(hint, lambda: self._of(hint, scope))

    def whole(self, schema):
        """A schema of this tool with the definitions that it refers to."""
        return {**schema, "$defs": self.definitions} if self.definitions else schema

    def _unless_unknown(self, hint, make):
        try:
            return make()
        except Exception as error:
            shown = hint if isinstance(hint, str) else attribute(hint, "__qualname__") or repr_of(hint)
            self._note("any value is taken for the hint %.200s: %.200s" % (shown, text_of(error)))
            return {}

    def _of(self, hint, scope):
        if isinstance(hint, str):
            return self._text(hint, scope)
        if isinstance(hint, typing.ForwardRef):
            module = attribute(hint, "__forward_module__")
            names = attribute(sys.modules.get(module), "__dict__") if isinstance(module, str) else None
            return self._text(hint.__forward_arg__, scope if names is None else Scope(names))
        if hint is None:
            return NULL
        if hint is typing.Any or hint is object:
            return {}
        if isinstance(hint, typing.TypeVar):
            bounds = hint.__constraints__ or ((hint.__bound__,) if hint.__bound__ is not None else ())
            return any_of([self.of(bound, scope) for bound in bounds]) if bounds else {}
        if hasattr(hint, "__supertype__"):
            return self.of(hint.__supertype__, scope)
        if hasattr(hint, "__metadata__"):
            return self._annotated(hint, scope)
        origin, args = typing.get_origin(hint), typing.get_args(hint)
        if origin is None and hasattr(hint, "__value__"):
            return self._once(hint, hint.__name__, lambda: self.of(hint.__value__, scope_of_class(hint)), False)
        if origin in UNIONS:
            return any_of([self.of(part, scope) for part in args])
        if origin is typing.Literal:
            return {"enum": json_of([part.value if isinstance(part, enum.Enum) else part for part in args])}
        if qualifier(hint) is not None:
            return self.of(args[0], scope)
        kind = hint if origin is None else origin
        if not isinstance(kind, type):
            raise TypeError("JSON Schema cannot describe it")
        return self._class(kind, args, scope)

    def _text(self, text, scope):
        hint = scope.evaluate(text)
        if is_of(hint, type):
            return self._of(hint, scope)
        return self._once((text, id(scope.names)), text, lambda: self.of(hint, scope), False)

    def _annotated(self, hint, scope):
        schema = dict(self.of(hint.__origin__, scope))
        for remark in hint.__metadata__:
            text = remark if isinstance(remark, str) else attribute(remark, "description")
            if isinstance(text, str):
                schema["description"] = text
        return schema

    def _class(self, kind, args, scope):
        if issubclass(kind, enum.Flag):
            return self._once(kind, kind.__name__, lambda: flag_schema(kind))
        if issubclass(kind, enum.Enum):
            return {"enum": json_of([member.value for member in kind])}
        if callable(attribute(kind, "model_json_schema")) or hasattr(kind, "__fields__") and hasattr(kind, "schema"):
            return self._once(kind, kind.__name__, lambda: self._pydantic(kind))
        if hasattr(kind, "__dataclass_fields__"):
            return self._once(kind, kind.__name__, lambda: self._dataclass(kind))
        if issubclass(kind, dict) and hasattr(kind, "__total__"):
            return self._once(kind, kind.__name__, lambda: self._typed_dict(kind))
        for scalar, schema in SCALARS:
            if issubclass(kind, scalar):
                return schema
        if kind is tuple and args and args[-1] is not Ellipsis:
            parts = [self.of(part, scope) for part in args if part != ()]
            return {**ARRAY, "prefixItems": parts, "minItems": len(parts), "maxItems": len(parts)}
        if issubclass(kind, MAPPINGS):
            return {**OBJECT, "additionalProperties": self.of(args[1], scope)} if len(args) == 2 else OBJECT
        if issubclass(kind, SETS):
            return {**ARRAY, "uniqueItems": True, **self._items(args, scope)}
        if issubclass(kind, ARRAYS) or kind in ITERABLES:
            return {**ARRAY, **self._items(args, scope)}
        if hasattr(kind, "__fspath__"):
            return STRING
        for base in kind.__mro__:
            named = NAMED.get("%s.%s" % (base.__module__, base.__qualname__))
            if named is not None:
                return named
        raise TypeError("JSON Schema cannot describe it")

    def _items(self, args, scope):
        items = self.of(args[0], scope) if args else {}
        return {"items": items} if items else {}

    def _dataclass(self, kind):
        import dataclasses

        scopes = {name: scope_of_class(base) for base in reversed(kind.__mro__) for name in hints_of(base)}
        fields = [field for field in dataclasses.fields(kind) if field.init or self._is_result]
        properties, required = {}, []
        for field in fields:
            schema = dict(self.of(field.type, scopes.get(field.name) or scope_of_class(kind)))
            missing = field.default is dataclasses.MISSING
            properties[field.name] = schema if missing or self._is_result else with_default(schema, field.default)
            if self._is_result or missing and field.default_factory is dataclasses.MISSING:
                required.append(field.name)
        # Without a docstring of its own, a dataclass has its signature for one.
        doc = vars(kind).get("__doc__") or ""
        return object_schema(properties, required, "" if doc.startswith(kind.__name__ + "(") else doc)

    def _typed_dict(self, kind):
        scope = scope_of_class(kind)
        properties, required = {}, []
        for name, hint in hints_of(kind).items():
            properties[name] = self.of(hint, scope)
            # Python sees no `NotRequired` in a hint that is a text.
            named = qualifier(hint) or qualifier(self._evaluated(hint, scope))
            if named == "Required" or named != "NotRequired" and name in kind.__required_keys__:
                required.append(name)
        return object_schema(properties, required, vars(kind).get("__doc__"))

    @staticmethod
    def _evaluated(hint, scope):
        text = attribute(hint, "__forward_arg__", hint)
        try:
            return scope.evaluate(text) if isinstance(text, str) else hint
        except Exception:
            return None

    def _pydantic(self, kind):
        # Definitions of its own go to those of the whole, under names that no other class has.
        own = self._names[kind]
        template = "#/$defs/%s.{model}" % own
        if callable(attribute(kind, "model_json_schema")):
            mode = "serialization" if self._is_result else "validation"
            schema = kind.model_json_schema(by_alias=not self._is_result, ref_template=template, mode=mode)
        else:
            schema = kind.schema(by_alias=not self._is_result, ref_template=template)
        schema = dict(schema)
        for name in ("$defs", "definitions"):
            for key, definition in schema.pop(name, {}).items():
                self.definitions["%s.%s" % (own, key)] = definition
        return schema

    def _once(self, key, name, make, is_named=True):
        """What `make` returns, made once and referred to: always for a class, else only where it contains itself."""
        if key in self._names:
            self._names[key] = self._names[key] or self._new_name(name)
            return {"$ref": "#/$defs/%s" % self._names[key]}
        self._names[key] = self._new_name(name) if is_named else None
        schema = self._unless_unknown(name, make)
        own = self._names[key]
        if own is None:
            del self._names[key]
            return schema
        self.definitions[own] = schema
        return {"$ref": "#/$defs/%s" % own}

    def _new_name(self, wanted):
        plain = "".join(character if character.isascii() and character.isalnum() else "_" for character in wanted)
        name, number = plain, 1
        while name in self._names.values():
            number += 1
            name = "%s_%d" % (plain, number)
        return name


def qualifier(hint):
    """The name of what says something of a key or an attribute, not of its value, as `NotRequired[int]` does; or None."""
    name = attribute(typing.get_origin(hint), "_name") or attribute(typing.get_origin(hint), "__name__")
    return name if name in ("ClassVar", "Final", "NotRequired", "ReadOnly", "Required") else None


def object_schema(properties, required, doc=None):
    """The schema of an object with these properties."""
    schema = {**OBJECT, "properties": properties}
    description = first_paragraph(doc)
    if description:
        schema["description"] = description
    if required:
        schema["required"] = required
    return schema


def flag_schema(kind):
    """The schema of flags, which may be combined."""
    flags = ", ".join("%d (%s)" % (flag.value, name) for name, flag in kind.__members__.items())
    return {"type": "integer", "description": "the sum of any of %s" % flags}


def any_of(schemas):
    """The schema of what fits one of several schemas, in its shortest form."""
    parts = []
    for schema in schemas:
        if set(schema) == {"anyOf"}:
            more = schema["anyOf"]
        elif set(schema) == {"type"} and isinstance(schema["type"], list):
            more = [{"type": name} for name in schema["type"]]
        else:
            more = [schema]
        parts += [part for part in more if part not in parts]
    if {} in parts:
        return {}
    if len(parts) == 1:
        return parts[0]
    if all(set(part) == {"enum"} or part == NULL for part in parts) and {"enum"} in map(set, parts):
        values = [value for part in parts for value in part.get("enum", [None])]
        # By their texts, as True and 1 are equal.
        return {"enum": list({json.dumps(value): value for value in values}.values())}
    if all(set(part) == {"type"} for part in parts):
        return {"type": [part["type"] for part in parts]}
    return {"anyOf": parts}


def with_default(schema, default):
    """
    The schema of a parameter or field with a default. The default is in it only if JSON says exactly that: the host
    program fills defaults in, and the plugin must get what it has itself. None may always be said.
    """
    if default is None and schema:
        described = {key: schema[key] for key in ("description",) if key in schema}
        rest = {key: value for key, value in schema.items() if key not in described}
        schema = {**any_of([rest, NULL]), **described}
    return {**schema, "default": default} if is_exact(default) else schema


def is_exact(value):
    """Whether a value is of the types that JSON has, with all its parts, and none of their subclasses."""
    if type(value) is list:
        return all(map(is_exact, value))
    if type(value) is dict:
        return all(type(key) is str for key in value) and all(map(is_exact, value.values()))
    if type(value) not in (bool, int, float, str, type(None)):
        return False
    try:
        encode(value)
        return True
    except Exception:
        return False


def json_of(values):
    """The values as JSON has them. Raises `SerializeError` where it cannot."""
    return json.loads(encode(values))
