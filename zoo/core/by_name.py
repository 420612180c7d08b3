"""A run's record as strangers may read it: photos' folders are called by their names, not by where they lay."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

PATH = r"(?<![\w:/.])/(?:[^\s/;,:()]+/)+([^\s/;,:()]+)"
"""Within a sentence: a path from the root on. Its last part is its name."""


def called_by_name(record: dict[str, Any]) -> dict[str, Any]:
    """The same record, in whose texts the sources ``folder:/some/where/NAME`` are ``folder:NAME``, and paths in notes
    (its own and those on its photos) and in its error their last part.

    Where the photos lay decides no number and is in no key.

    Args:
        record: a run.json as plain data.
    """
    suite = record.get("plan", {}).get("suite", {})
    sources = {part.get("source") for part in record.get("data", {}).values() if isinstance(part, dict)}
    sources |= {suite.get("data"), suite.get("test_data")}
    text = json.dumps(record, ensure_ascii=False)
    for source in sorted((each for each in sources if isinstance(each, str)), key=len, reverse=True):
        kind, colon, path = source.partition(":")
        if colon:
            text = text.replace(_inside(source), _inside(f"{kind}:{Path(path).name}"))
    named: dict[str, Any] = json.loads(text)
    for told in (named, *(part for part in named.get("data", {}).values() if isinstance(part, dict))):
        if isinstance(notes := told.get("notes"), list):
            told["notes"] = [re.sub(PATH, r"\1", note) for note in notes]
    if error := named.get("error"):
        named["error"] = re.sub(PATH, r"\1", error)
    return named


def _inside(text: str) -> str:
    """As it stands within a text of a JSON file."""
    return json.dumps(text, ensure_ascii=False)[1:-1]
