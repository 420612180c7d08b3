"""The code behind a stranger's part, as a digest: a run made by other code is another run.

Our own parts have a ``version`` for that, which a test holds to their behaviour. Other people's code is edited
between two benches without a thought of versions, so its files themselves are looked at.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib
import importlib.metadata
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

OUR_PACKAGE = "zoo"
LARGE = 64 * 2**20
"""Files of this many bytes together enter by their names and sizes, not by their content."""
_INSTALLED = frozenset({"site-packages", "dist-packages"})


class Source(NamedTuple):
    """What was found: a digest of the files (empty where there are none), and the parts they make by name."""

    digest: str
    makes: tuple[tuple[str, str], ...]


def source_of(target: str, distribution: str = "") -> Source:
    """The files that ``target`` is made of. Nothing is imported.

    They are its top-level module or package; of an installed distribution its other modules too; of modules that lie
    in a folder of one's own those beside it that are imported, directly or by one another.

    Args:
        target: ``package.module:Name``.
        distribution: the one that registers it.
    """
    importlib.invalidate_caches()
    waiting = [_top(target.partition(":")[0].strip())]
    owned = _modules_of(distribution)
    digest = hashlib.sha256()
    makes: set[tuple[str, str]] = set()
    first: Path | None = None
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        found = _found(name)
        if name in seen or name == OUR_PACKAGE or found is None:
            continue
        seen.add(name)
        if first is None:
            first = found.parent
            waiting += owned
        elif found.parent != first or (found.parent.name in _INSTALLED and name not in owned):
            continue
        for file, content in _contents(found):
            digest.update(f"{name}/{file}\0{len(content)}\0".encode())
            digest.update(content)
            if file.endswith(".py"):
                imported, made = _read(content)
                waiting += sorted(imported - seen)
                makes |= made
        waiting.sort(reverse=True)  # one order whatever imports come first
    return Source(digest.hexdigest()[:16] if seen else "", tuple(sorted(makes)))


def _top(module: str) -> str:
    return module.partition(".")[0]


def _modules_of(distribution: str) -> list[str]:
    """The top-level modules that a distribution's RECORD lists."""
    try:
        files = importlib.metadata.files(distribution) if distribution else None
    except (importlib.metadata.PackageNotFoundError, ValueError, OSError):
        files = None
    found = {file.parts[0].removesuffix(".py") for file in files or () if file.suffix == ".py"}
    return sorted(name for name in found if name.isidentifier() and not name.startswith("__editable__"))


def _found(name: str) -> Path | None:
    """The file of a module or the folder of a package; None for what has neither.

    Where another process would find it: what this one may have imported under the name does not count.
    """
    spec = None
    for finder in sys.meta_path:
        with contextlib.suppress(ImportError, ValueError, AttributeError):
            spec = finder.find_spec(name, None)
        if spec is not None:
            break
    if spec is None:
        return None
    folders = list(spec.submodule_search_locations or ())
    if folders:
        return Path(folders[0]).resolve()
    path = Path(spec.origin or "")
    return path.resolve() if spec.has_location and path.is_file() else None


def _contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file, in one order; compiled and hidden files are left out."""
    files = [path] if path.is_file() else sorted(_walk(path))
    sizes = [file.stat().st_size for file in files]
    large = sum(sizes) > LARGE
    for file, size in zip(files, sizes, strict=True):
        name = file.name if file == path else file.relative_to(path).as_posix()
        if large and file.suffix != ".py":
            yield name, f"{size} bytes".encode()
        else:
            try:
                yield name, file.read_bytes()
            except OSError as error:
                yield name, f"{error.strerror}".encode()


def _walk(folder: Path) -> Iterator[Path]:
    for where, folders, files in os.walk(folder):
        folders[:] = [each for each in folders if each != "__pycache__" and not each.startswith(".")]
        for name in files:
            path = Path(where, name)
            if path.suffix not in (".pyc", ".pyo") and not name.startswith(".") and path.is_file():
                yield path


def _read(content: bytes) -> tuple[set[str], set[tuple[str, str]]]:
    """The top-level modules that a file imports, and the parts that it makes: ``make("heads", "ab", …)``."""
    imported: set[str] = set()
    made: set[tuple[str, str]] = set()
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return imported, made  # to import it will say what is wrong
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {_top(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            imported.add(_top(node.module))
        elif isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "make":
            words = [argument.value for argument in node.args[:2] if isinstance(argument, ast.Constant)]
            if len(words) == 2 and all(isinstance(word, str) for word in words):
                made.add((str(words[0]), str(words[1])))
    return imported, made
