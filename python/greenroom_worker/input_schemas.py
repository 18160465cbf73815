"""The parameters of a tool as JSON Schema."""

from .docstrings import parameters
from .errors import attribute
from .hints import hints_of, scope_of_function
from .type_schemas import any_of, object_schema, with_default

ANYTHING = {"type": "object", "properties": {}, "additionalProperties": True}


def input_schema(signature, owner, types):
    """The schema of the arguments by name of a method of the class `owner`; `types` are the schemas of its hints."""
    if signature is None:
        return ANYTHING
    hints, scope = hints_of(signature.function), scope_of_function(signature.function, owner)
    remarks = parameters(attribute(signature.function, "__doc__"))
    properties, required = {}, []
    for name in signature.names:
        schema = dict(types.of(hints[name], scope)) if name in hints else {}
        if name in remarks:
            schema.setdefault("description", remarks[name])
        if name in signature.defaults:
            schema = with_default(schema, signature.defaults[name])
        else:
            required.append(name)
        properties[name] = schema
    more = signature.var_keyword
    others = False if more is None else types.of(hints[more], scope) if more in hints else True
    # `{}` says the same as true.
    return {**object_schema(properties, required), "additionalProperties": others if others != {} else True}


def either(schemas):
    """
    The schema of arguments for one of several methods. A default that not all of them have is left out: the host
    program fills defaults in, also for a method that takes no such argument.
    """
    if len(schemas) == 1:
        return schemas[0]
    names = dict.fromkeys(name for schema in schemas for name in schema["properties"])
    properties = {name: merged([schema["properties"].get(name) for schema in schemas]) for name in names}
    required = [name for name in names if all(name in schema.get("required", ()) for schema in schemas)]
    others = [schema["additionalProperties"] for schema in schemas if schema["additionalProperties"] is not False]
    others = False if not others else True if True in others else any_of(others)
    return {**object_schema(properties, required), "additionalProperties": others}


def merged(forms):
    """The schema of an argument that methods take in these forms; None for a method that does not take it."""
    there = [form for form in forms if form is not None]
    schema = any_of([{key: form[key] for key in form if key not in ("default", "description")} for form in there])
    said = {key: there[0][key] for key in ("description",) if key in there[0]}
    defaults = [form["default"] for form in there if "default" in form]
    if len(defaults) == len(forms) and all(default == defaults[0] for default in defaults):
        said["default"] = defaults[0]
    return {**schema, **said}
