"""The tools of a plugin: which there are, and how the plugin is called for each."""

from .errors import attribute, repr_of, type_name
from .functions import attribute_of, layers, signature_of
from .log import write_log

EXECUTE, EXECUTE_STREAM = "execute", "execute_stream"
MAX_NAME = 64
NAME_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")
# What the decorator of cjm_plugin_system sets on a method, and the argument of `execute` that says which is meant.
MARK, ACTION = "_plugin_action", "action"


class Tools:
    """The tools by name: `execute` first, then the methods that the class declares, then those that are marked."""

    def __init__(self, plugin):
        kind = type(plugin)
        names, fault = declared(kind)
        if fault is not None:
            write_log(
                'greenroom: the attribute "tools" of %s is ignored, because %s; it declares tools where it names '
                'methods: tools = ("read", "write")\n' % (type_name(plugin), fault)
            )
        tools = [Tool(plugin, name, name) for name in names if name != EXECUTE]
        tools += marked_tools(plugin)
        if not tools or callable(attribute(plugin, EXECUTE)) or callable(attribute(plugin, EXECUTE_STREAM)):
            tools.insert(0, Tool(plugin, EXECUTE, EXECUTE, EXECUTE_STREAM))
        # The first of a name counts.
        self._tools = {tool.name: tool for tool in reversed(tools)}
        self.names = list(dict.fromkeys(tool.name for tool in tools))

    def __iter__(self):
        return (self._tools[name] for name in self.names)

    def get(self, name):
        """The tool of this name, or None."""
        return self._tools.get(name)


class Tool:
    """
    One tool. `method` names the plugin's method for it, `stream_method` the one for streams where that is another;
    `given` are arguments beside the caller's. `described` is the function that describes it.
    """

    def __init__(self, plugin, name, method, stream_method=None, given=None, described=None):
        self.name = name
        self.method = method
        self.stream_method = stream_method
        self.described = attribute(plugin, method) if described is None else described
        self.signature = signature_of(self.described)
        self._plugin = plugin
        self._given = given or {}
        self._signatures = {called: signature_of(attribute(plugin, called)) for called in (method, stream_method) if called}
        self._streams = None

    @property
    def streams(self):
        """Whether the function that describes the tool returns a stream, by its code or its hint."""
        if self._streams is None:
            from .hints import ITERABLES, ITERATORS, is_stream

            kinds = ITERATORS if self.method == EXECUTE else ITERABLES
            self._streams = is_stream(self.signature, type(self._plugin), kinds)
        return self._streams

    def call(self, args, kwargs, stream):
        """Calls the plugin, for a result or a stream; returns the value, and whether it is a stream whatever its type."""
        called = self.stream_method if stream else None
        function = getattr(self._plugin, called, None) if called else None
        is_stream = function is not None
        if function is None:
            called = self.method
            function = getattr(self._plugin, called)
            is_stream = stream and called != EXECUTE and self.streams
        signature = self._signatures[called]
        if signature is not None and signature.positional_only:
            args, kwargs = signature.by_position(args, kwargs)
        try:
            return function(*args, **kwargs, **self._given), is_stream
        except TypeError as error:
            misfit = self._misfit(signature, args, kwargs, error)
            if misfit is None:
                raise
        raise InputError("the tool %r %s" % (self.name, misfit))

    def _misfit(self, signature, args, kwargs, error):
        """Why the arguments do not fit the method, or None where it has begun, or they do."""
        if signature is None:
            return None
        step = error.__traceback__
        while step is not None:
            if step.tb_frame.f_code is signature.function.__code__:
                return None
            step = step.tb_next
        return signature.misfit(args, {**self._given, **kwargs})


class InputError(TypeError):
    """The arguments of a call do not fit the method of its tool."""

    # Tracebacks name it after the package.
    __module__ = __package__
    category = "input"


def declared(kind):
    """The names of the methods that a class declares as its tools, and the reason where its `tools` is something else."""
    names = attribute(kind, "tools")
    if names is None:
        return (), None
    if not isinstance(names, (tuple, list)):
        return (), "it is not a tuple or list"
    for name in names:
        fault = "it contains %.100s" % repr_of(name) if not isinstance(name, str) else fault_of_name(name)
        if fault is None and not callable(attribute(kind, name)):
            fault = "there is no method %r" % name
        if fault is not None:
            return (), fault
    return names, None


def fault_of_name(name):
    """The reason why a text is not the name of a tool, or None."""
    if 0 < len(name) <= MAX_NAME and NAME_CHARACTERS.issuperset(name):
        return None
    return "%.100r is not a name of 1 to %d of the characters A-Z, a-z, 0-9, _, . and -" % (name, MAX_NAME)


def marked_tools(plugin):
    """The tools of the older system: `execute` with the name of an action, described by the method that is marked."""
    kind = type(plugin)
    marked = {}
    for owner in kind.__mro__[:-1]:
        for value in tuple(vars(owner).values()):
            mark = next((mark for mark in (attribute_of(layer, MARK) for layer in layers(value)) if mark), None)
            if isinstance(mark, str):
                marked.setdefault(mark, value)
    tools = []
    for action, value in marked.items():
        fault = fault_of_name(action)
        if fault is None and not takes_action(plugin, EXECUTE):
            fault = "execute() takes no %r" % ACTION
        if fault is not None:
            write_log("greenroom: the action %.100r of %s is not a tool: %s\n" % (action, type_name(plugin), fault))
            continue
        stream_method = EXECUTE_STREAM if takes_action(plugin, EXECUTE_STREAM) else None
        described = value.__get__(plugin, kind) if hasattr(value, "__get__") else value
        tools.append(Tool(plugin, action, EXECUTE, stream_method, {ACTION: action}, described))
    return tools


def takes_action(plugin, method):
    """Whether a method of the plugin takes the name of an action."""
    signature = signature_of(attribute(plugin, method))
    return signature is not None and signature.takes(ACTION)
