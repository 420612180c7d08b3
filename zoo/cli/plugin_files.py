"""The files of a new plugin, from the templates in ``plugin_template/``, which lie there as in the package."""

from __future__ import annotations

from pathlib import Path

import jinja2

_TEMPLATES = Path(__file__).with_name("plugin_template")
_SUFFIX = ".jinja"
"""Behind every file's own name, so that no tool takes a template for a module of ours."""


def plugin_files(name: str) -> dict[str, str]:
    """Path below the package's folder → text, for a plugin with the model ``name``; paths are templates as well."""
    words = {
        "name": name,
        "dashed": name.replace("_", "-"),
        "cls": "".join(word.capitalize() for word in name.split("_")),
    }
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    files = {}
    for file in sorted(_TEMPLATES.rglob(f"*{_SUFFIX}")):
        path = file.relative_to(_TEMPLATES).as_posix().removesuffix(_SUFFIX)
        text = file.read_text(encoding="utf-8")
        files[environment.from_string(path).render(words)] = environment.from_string(text).render(words)
    return files
