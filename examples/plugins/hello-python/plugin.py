"""A Greenroom plugin is a class. It needs no base class and nothing installed; the manifest names module and class."""

from typing import Any, Dict, Iterator


class Plugin:
    name = "hello-python"
    version = "1.0.0"
    tools = ("shout",)  # methods that are called by their names; callers see their hints and docstrings

    def initialize(self, config: Dict[str, Any]) -> None:
        """Called once before the first call, and again when the config changes. Load models here."""
        self.config = config

    def execute(self, name: str = "world") -> Dict[str, str]:
        """One call: its arguments are the fields of the caller's input, its result is anything that JSON can hold."""
        self.report_progress(0.5, "thinking of a greeting")  # the worker adds this function
        return {"text": f"{self.config['greeting']}, {name}!"}

    def execute_stream(self, name: str = "world") -> Iterator[str]:
        """One call whose result arrives piece by piece."""
        for word in (self.config["greeting"], name):
            yield word

    def shout(self, name: str) -> str:
        """Greets loudly."""
        return f"{self.config['greeting']}, {name}!".upper()

    def get_current_config(self) -> Dict[str, Any]:
        return self.config

    def cleanup(self) -> None:
        """Called before the worker is stopped."""
