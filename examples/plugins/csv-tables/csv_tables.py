"""Tables in CSV files: a Greenroom plugin in Python with several tools, which its class names in `tools`.

Signatures, hints and docstrings describe the tools: Greenroom checks input against them, and shows them to people and
models that choose a tool.
"""

import csv
import os
from dataclasses import dataclass
from typing import Annotated, Dict, Iterator, List, Literal, Optional

Path = Annotated[str, "The CSV file, whose first line names the columns"]
Row = Dict[str, str]


@dataclass
class Column:
    name: str
    kind: Literal["number", "text", "empty"]
    filled: Annotated[int, "How many rows have a value there"]
    smallest: Optional[float] = None
    largest: Optional[float] = None


@dataclass
class Summary:
    rows: int
    columns: List[Column]


class CsvTables:
    """Reads and extends tables in CSV files."""

    name = "csv-tables"
    version = "1.0.0"

    tools = ("describe", "rows", "append")
    tool_annotations = {
        "describe": {"read_only": True},
        "rows": {"read_only": True},
        "append": {"idempotent": False, "destructive": False},
    }

    def initialize(self, config):
        self.delimiter = config["delimiter"]

    def describe(self, path: Path) -> Summary:
        """Counts the rows of a table and says what its columns contain."""
        names, count, values = self._columns(path), 0, {}
        for count, row in enumerate(self._read(path), start=1):
            for name in names:
                if row[name]:
                    values.setdefault(name, []).append(row[name])
        return Summary(count, [column(name, values.get(name, [])) for name in names])

    def rows(self, path: Path, where: Optional[Row] = None, limit: Annotated[int, "The most rows"] = 100) -> Iterator[Row]:
        """Reads the rows of a table, one chunk each.

        Args:
            where: The values that columns must have, as in {"country": "IS"}.
        """
        wanted = where or {}
        self._check(path, wanted)
        for row in self._read(path):
            if limit <= 0:
                return
            if all(row[name] == value for name, value in wanted.items()):
                limit -= 1
                yield row

    def append(self, path: Path, rows: List[Row]) -> Annotated[int, "How many rows were added"]:
        """Adds rows at the end of a table. Columns that a row does not have are left empty."""
        names = self._columns(path)
        for row in rows:
            self._check(path, row)
        with open(path, "rb+") as file:
            file.seek(-1, os.SEEK_END)
            # The last line may have no end.
            if file.read(1) != b"\n":
                file.write(b"\n")
        with open(path, "a", encoding="utf-8", newline="") as file:
            csv.DictWriter(file, names, delimiter=self.delimiter, lineterminator="\n").writerows(rows)
        return len(rows)

    def _columns(self, path):
        with open(path, encoding="utf-8-sig", newline="") as file:
            names = next(csv.reader(file, delimiter=self.delimiter), None)
        if not names:
            raise NoTable(f"{path} is empty; its first line must name the columns.")
        return names

    def _read(self, path):
        with open(path, encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file, delimiter=self.delimiter, restval=""):
                # Values of a row that is longer than the first line have no name.
                row.pop(None, None)
                yield row

    def _check(self, path, row):
        names = self._columns(path)
        unknown = [name for name in row if name not in names]
        if unknown:
            raise NoTable(f"{path} has no column {unknown[0]!r}; its columns are {', '.join(names)}.")


class NoTable(ValueError):
    """The caller's input does not fit the file."""

    category = "input"


def column(name, values):
    if not values:
        return Column(name, "empty", 0)
    try:
        numbers = [float(value) for value in values]
    except ValueError:
        return Column(name, "text", len(values))
    return Column(name, "number", len(values), min(numbers), max(numbers))
