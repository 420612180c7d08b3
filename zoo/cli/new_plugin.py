"""``zoo new-plugin``: a package with a colorizer of one's own, ready to install, test and bench."""

from __future__ import annotations

import keyword
from pathlib import Path

import click

from zoo.cli.arguments import FilePath
from zoo.cli.terminal import echo


@click.command("new-plugin", short_help="Write a package with a model of your own.")
@click.argument("name")
@click.option("-o", "--output", type=FilePath(), default=".", show_default=True, help="Put it into this folder.")
def command(name: str, output: Path) -> None:
    """Write a package that adds the colorizer NAME to the zoo, with a test that passes."""
    folder = write_plugin(name, output)
    echo(f"{folder}: written. Next:")
    echo(f"  pip install -e {folder}")
    echo(f"  zoo check {name}")
    echo(f"  zoo bench --models {name},unet --suite quick")


def write_plugin(name: str, parent: Path) -> Path:
    """Write the package ``zoo-NAME`` into ``parent``, all of it or nothing.

    Raises:
        BadInput: a name that Python cannot import or that is taken, a folder that is there already, or one that
            cannot be written.
    """
    from zoo.core.errors import BadInput
    from zoo.core.files import make_folder, writing_folder
    from zoo.core.registry import current

    plain = name.isascii() and name.isidentifier() and name == name.lower() and not keyword.iskeyword(name)
    if not plain or name.startswith("_") or len(name) > 60:
        raise BadInput(
            f"{name[:60]!r} cannot name a plugin; use lower-case letters, digits and '_', beginning with a letter."
        )
    if name in current().names("models"):
        raise BadInput(f"A model {name!r} is registered already; choose another name.")
    folder = parent / f"zoo-{name.replace('_', '-')}"
    if folder.exists():
        raise BadInput(f"{folder} is there already and is not overwritten; choose another name or folder.")
    mend = "choose another folder with -o"
    make_folder(parent, mend)
    with writing_folder(folder, mend) as part:
        for path, text in plugin_files(name).items():
            make_folder((part / path).parent, mend)
            (part / path).write_text(text, encoding="utf-8")
    return folder


_TEMPLATES = Path(__file__).with_name("plugin_template")
"""The files, which lie there as in the package."""
_SUFFIX = ".jinja"
"""Behind every file's own name, so that no tool takes a template for a module of ours."""


def plugin_files(name: str) -> dict[str, str]:
    """Path below the package's folder → text, for a plugin with the model ``name``; paths are templates as well."""
    import jinja2

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
