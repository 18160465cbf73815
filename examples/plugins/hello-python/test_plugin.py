"""Run it in this folder: python3 -m unittest. The plugin is a class, so its test needs no Greenroom."""

import unittest

from plugin import Plugin


class PluginTest(unittest.TestCase):
    def setUp(self) -> None:
        self.progress = []
        self.plugin = Plugin()
        # In a worker, Greenroom adds this function.
        self.plugin.report_progress = lambda fraction, message="": self.progress.append(fraction)
        self.plugin.initialize({"greeting": "Hello"})

    def test_greets_by_name(self) -> None:
        self.assertEqual(self.plugin.execute("Ada"), {"text": "Hello, Ada!"})
        self.assertEqual(self.progress, [0.5])

    def test_greets_the_world_without_a_name(self) -> None:
        self.assertEqual(self.plugin.execute(), {"text": "Hello, world!"})

    def test_streams_word_by_word(self) -> None:
        self.assertEqual(list(self.plugin.execute_stream("Ada")), ["Hello", "Ada"])

    def test_shouts(self) -> None:
        self.assertEqual(self.plugin.shout("Ada"), "HELLO, ADA!")


if __name__ == "__main__":
    unittest.main()
