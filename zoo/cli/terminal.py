"""What is printed: text of strangers (labels, errors, names of photos and plugins) may hold anything, a terminal
obeys control characters, and so every line goes through here.
"""

from __future__ import annotations

import re
import sys
import traceback

import click

_OBEYED = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
"""What a terminal would obey instead of showing it: controls, which open escape sequences; marks that turn the order
of what follows; tags; halves of surrogate pairs."""


def plain(text: str) -> str:
    """The text on one line, as a terminal may show it: white space as a space, what it would obey as ``\\x1b``."""
    return _OBEYED.sub(_named, " ".join(re.split(r"[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+", text)))


def echo(text: object = "", *, err: bool = False) -> None:
    """Print one line of text."""
    click.echo(plain(str(text)), err=err)


def wipe_line() -> None:
    """Take away what stands in standard error's last line, such as a bar."""
    click.echo("\r\x1b[K", nl=False, err=True)


def echo_error(error: BaseException) -> None:
    """Print a traceback: it quotes what the error quotes."""
    for line in "".join(traceback.format_exception(error)).splitlines():
        echo(line, err=True)


def echo_data(text: str) -> None:
    """Print what a program reads, to the byte as it is; on a terminal made plain, line by line."""
    if sys.stdout.isatty():
        for line in text.splitlines():
            echo(line)
    else:
        click.echo(text, nl=False)


def echo_json(text: str) -> None:
    """Print JSON, which a terminal may show as it is."""
    click.echo(json_safe(text))


def json_safe(text: str) -> str:
    """JSON with what a terminal would obey written as JSON's own escapes: the same value."""
    return _OBEYED.sub(lambda found: "\n" if found[0] == "\n" else _json_escape(found[0]), text)


def _named(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
