"""A searchable library of text documents: a Greenroom plugin in Python, with nothing but the standard library.

It shows what a plugin class can do: take a config, report progress, be cancelled, stream results, and survive being
killed. The index is committed every few files and remembers each file's time and size, so a worker that was killed
half-way goes on where it was when it is asked to index the same files again.
"""

import json
import os
import sqlite3
import threading
from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Optional, Tuple

FILES_PER_COMMIT = 50
DOCUMENTS = {"", ".adoc", ".md", ".org", ".rst", ".tex", ".txt"}  # what else there is begins with code
IGNORED_FOLDERS = {"node_modules", "__pycache__"}
TITLE_WEIGHT = 4.0

SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    id INTEGER PRIMARY KEY, path TEXT UNIQUE NOT NULL, mtime_ns INTEGER NOT NULL, size INTEGER NOT NULL
);
CREATE VIRTUAL TABLE IF NOT EXISTS texts USING fts5 (title, body, tokenize = "unicode61 remove_diacritics 2");
"""

FILES = "SELECT path, mtime_ns, size FROM files"

SEARCH = """
SELECT files.path, title, snippet(texts, 1, '[', ']', '…', 16)
FROM texts JOIN files ON files.id = texts.rowid
WHERE texts MATCH ? ORDER BY bm25(texts, ?, 1.0), files.path LIMIT ?
"""


class LibraryIndex:
    """Indexes text files and finds them again."""

    name = "library-index"
    version = "1.0.0"

    def __init__(self) -> None:
        self._config: Dict[str, Any] = {}
        self._database: Optional[sqlite3.Connection] = None
        self._cancelled = threading.Event()

    # ---- What the worker calls -------------------------------------------------------------------------------------

    def initialize(self, config: Optional[Dict[str, Any]] = None) -> None:
        """Opens the database. Called again with a new config when the config is changed."""
        defaults = {key: field["default"] for key, field in self.get_config_schema()["properties"].items()}
        config = {**defaults, **(config or {})}
        self.cleanup()
        if config["database"] != ":memory:":
            Path(config["database"]).parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(config["database"])
        # With a write-ahead log a killed worker leaves a sound file behind, and other programs can read it meanwhile.
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.executescript(SCHEMA)
        self._config = config

    def execute(self, action: str = "search", **arguments: Any) -> Any:
        """One call: ``index`` takes ``files``, ``search`` takes ``query`` and ``limit``, ``stats`` takes nothing."""
        self._cancelled.clear()
        if action == "index":
            return self._index(**arguments)
        if action == "search":
            return list(self._search(**arguments))
        if action == "stats":
            return self._stats()
        raise ValueError(f"There is no action {action!r}; use index, search or stats.")

    def execute_stream(self, action: str = "search", **arguments: Any) -> Iterator[Dict[str, Any]]:
        """The hits of a search one by one, best first."""
        self._cancelled.clear()
        if action != "search":
            raise ValueError(f"Only search can be streamed, not {action!r}.")
        for hit in self._search(**arguments):
            if self._cancelled.is_set():
                return
            yield hit

    def cancel(self) -> None:
        """Called from another thread while a call runs, so it only raises a flag."""
        self._cancelled.set()

    def report_progress(self, progress: float, message: str = "") -> None:
        """Goes nowhere by itself; the worker puts its own function in this place."""

    def get_config_schema(self) -> Dict[str, Any]:
        # The manifest holds it, so that it is known before a worker is started, and only there.
        manifest = Path(__file__).with_name("manifest.json").read_text(encoding="utf-8")
        return json.loads(manifest)["config_schema"]

    def get_current_config(self) -> Dict[str, Any]:
        return self._config

    def cleanup(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    # ---- Indexing --------------------------------------------------------------------------------------------------

    def _index(self, files: Any) -> Dict[str, Any]:
        """Brings the index up to date with ``files``: a list of paths, or a folder, of which gone files are dropped."""
        database = self._open()
        whole_folder = isinstance(files, str)
        paths = _files_under(files) if whole_folder else [os.path.abspath(path) for path in files]
        known = {path: (mtime_ns, size) for path, mtime_ns, size in database.execute(FILES)}
        gone = set(_inside(files, known)) - set(paths) if whole_folder else set()
        for path in gone:
            self._forget(path)

        outcomes: Counter = Counter()
        reports_at = max(1, len(paths) // 100)
        for done, path in enumerate(paths, start=1):
            if self._cancelled.is_set():
                database.commit()
                raise InterruptedError(f"Indexing was cancelled at {path}; what was indexed before it is kept.")
            outcomes[self._index_file(path, known.get(path))] += 1
            if done % FILES_PER_COMMIT == 0:
                database.commit()
            if done % reports_at == 0 or done == len(paths):
                self.report_progress(done / len(paths), os.path.basename(path))
        database.commit()
        counts = {"indexed": outcomes.pop("indexed", 0), "unchanged": outcomes.pop("unchanged", 0)}
        return {**counts, "removed": len(gone), "skipped": dict(outcomes)}

    def _index_file(self, path: str, known: Optional[Tuple[int, int]]) -> str:
        """Indexes one file unless it is ``known`` with its present time and size; what came of it, in a word or two."""
        try:
            status = os.stat(path)
            stamp = (status.st_mtime_ns, status.st_size)
            if stamp == known:
                return "unchanged"
            if known:
                self._forget(path)
            if status.st_size > self._config["max_file_mb"] * 1_000_000:
                return "too large"
            data = Path(path).read_bytes()
            if b"\0" in data:
                return "binary"
            self._remember(path, stamp, data.decode("utf-8", errors="replace"))
            return "indexed"
        except FileNotFoundError:
            self._forget(path)
            return "missing"
        except (OSError, UnicodeError):  # a UnicodeError is a file name that is not text
            return "unreadable"

    def _remember(self, path: str, stamp: Tuple[int, int], text: str) -> None:
        database = self._open()
        row = database.execute("INSERT INTO files (path, mtime_ns, size) VALUES (?, ?, ?)", (path, *stamp))
        values = (row.lastrowid, _title(path, text), text)
        database.execute("INSERT INTO texts (rowid, title, body) VALUES (?, ?, ?)", values)

    def _forget(self, path: str) -> None:
        database = self._open()
        database.execute("DELETE FROM texts WHERE rowid = (SELECT id FROM files WHERE path = ?)", (path,))
        database.execute("DELETE FROM files WHERE path = ?", (path,))

    # ---- Searching -------------------------------------------------------------------------------------------------

    def _search(self, query: str, limit: int = 20) -> Iterator[Dict[str, Any]]:
        """Files that hold every word of the query; the last word may be only begun."""
        words = _match_expression(query)
        if not words:
            return
        rows = self._open().execute(SEARCH, (words, TITLE_WEIGHT, limit))
        for rank, (path, title, snippet) in enumerate(rows, start=1):
            yield {"rank": rank, "path": path, "title": title, "snippet": " ".join(snippet.split())}

    def _stats(self) -> Dict[str, Any]:
        files, size = self._open().execute("SELECT count(*), coalesce(sum(size), 0) FROM files").fetchone()
        return {"files": files, "bytes": size, "database": self._config["database"]}

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            raise RuntimeError("The index is not open; initialize comes first.")
        return self._database


def _files_under(folder: str) -> List[str]:
    """The files of a folder and its subfolders, sorted; hidden ones and caches are left out."""
    if not os.path.isdir(folder):
        raise ValueError(f"There is no folder {folder}; give a folder or a list of files.")
    found = []
    for place, folders, names in os.walk(os.path.abspath(folder)):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in IGNORED_FOLDERS)
        found += [os.path.join(place, name) for name in sorted(names) if not name.startswith(".")]
    return found


def _inside(folder: str, paths: Iterable[str]) -> List[str]:
    prefix = os.path.join(os.path.abspath(folder), "")
    return [path for path in paths if path.startswith(prefix)]


def _title(path: str, text: str) -> str:
    """The first line of a document that says something, without the marks of a heading; else the file's name."""
    for line in text.splitlines() if Path(path).suffix.lower() in DOCUMENTS else []:
        line = line.strip().lstrip("#=-*").strip()
        if line:
            return line[:120]
    return Path(path).stem


def _match_expression(query: str) -> str:
    """What users type, as an FTS5 expression: each word quoted, because FTS5 reads ``AND``, ``-``, ``*`` … as syntax."""
    # A lone surrogate cannot be stored in SQLite, and a NUL would end the expression early.
    text = query.encode("utf-8", errors="replace").decode("utf-8").replace("\0", " ")
    words = [word.replace('"', '""') for word in text.split() if any(letter.isalnum() for letter in word)]
    return " ".join(f'"{word}"' for word in words) + "*" if words else ""
