"""``zoo show``: everything known about one name."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import click
import msgspec

from zoo.cli.terminal import echo, echo_data
from zoo.core.errors import ZooError
from zoo.core.registry_rows import COMPOSED

if TYPE_CHECKING:
    from zoo.core.spec import ModelSpec


@click.command("show", short_help="Show everything known about one name.")
@click.argument("name")
@click.option("--yaml", "as_yaml", is_flag=True, help="Print its row as YAML, to copy into a table of your own.")
def command(name: str, as_yaml: bool) -> None:
    """Show NAME: its row, its options, its source, and what it is made of.

    Write KIND/NAME (encoders/conv, recipes/default) where a name means several things. A suite, which may be a
    YAML file too, is shown as it is on top of its base.
    """
    from zoo.cli.names import LISTED, meanings, the_meaning

    kind, bare = ("suites", name) if name.endswith((".yaml", ".yml")) else the_meaning(name)
    if as_yaml:
        echo_data(_as_yaml(kind, bare))
        return
    if kind in ("recipes", "weights"):
        lines = [("name", f"{kind}/{bare}"), *_fields(_row(kind, bare))]
    else:
        lines = _of_suite(bare) if kind == "suites" else _of_entry(kind, bare)
    alone = "/" in name or bare.endswith((".yaml", ".yml"))
    others = [] if alone else [each for each in meanings(name, LISTED) if each != (kind, bare)]
    if others:
        lines.append(("also", ", ".join("/".join(each) for each in others)))
    width = max(len(key) for key, _ in lines)
    for key, value in lines:
        echo(f"{key.ljust(width)}  {value}".rstrip())


def _row(kind: str, name: str) -> Any:
    """None of a class that a package registers."""
    from zoo.core.registry import current

    if kind == "recipes":
        return current().recipe(name)
    if kind == "weights":
        return current().weights[name]
    return current().model_row(name) if kind == "models" else current().entry(kind, name).row


def _of_suite(name: str) -> list[tuple[str, str]]:
    from zoo.harness.plan.suite import load_suite

    suite = load_suite(name)
    fields = msgspec.json.decode(msgspec.json.encode(suite))
    said = [(key, _yaml(value)) for key, value in fields.items() if key != "name" and value not in (None, "", [], {})]
    return [("name", f"suites/{suite.name}"), *said]


def _as_yaml(kind: str, name: str) -> str:
    """What a registry file, or a suite's file, says of the name; a recipe or a suite whole, on top of its base.

    Raises:
        BadInput: a class of another package, which is in no table.
    """
    import yaml

    from zoo.core.errors import BadInput

    if kind == "suites":
        from zoo.harness.plan.suite import load_suite

        suite = load_suite(name)
        fields = _set_fields(msgspec.structs.replace(suite, name="", base=""))
        return yaml.safe_dump({**fields, "size": suite.size}, sort_keys=False, allow_unicode=True, width=120)
    row = _row(kind, name)
    if row is None:
        raise BadInput(f"{kind}/{name} is a class that a package registers; no table has a row of it to copy.")
    below = {name: _set_fields(row)}
    table = {kind: below} if kind in ("models", "recipes", "weights") else {"parts": {kind: below}}
    return yaml.safe_dump(table, sort_keys=False, allow_unicode=True, width=120)


def _set_fields(row: Any) -> dict[str, Any]:
    """Those that are not as they would be anyway, as plain data."""
    plain = msgspec.json.decode(msgspec.json.encode(row))
    changed = [field for field in msgspec.structs.fields(row) if getattr(row, field.name) != _default(field)]
    return {field.encode_name: plain[field.encode_name] for field in changed}


def _default(field: Any) -> Any:
    return field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default


def _yaml(value: Any) -> str:
    """On one line as a suite writes it, without what is not set."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_yaml(each)}" for key, each in value.items() if each not in (None, [])) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _fields(row: Any) -> list[tuple[str, str]]:
    """The fields of a struct that are set, as text."""
    values = ((field.encode_name, getattr(row, field.name)) for field in msgspec.structs.fields(row))
    return [(key, str(value)) for key, value in values if value not in (None, "")]


def _of_entry(kind: str, bare: str) -> list[tuple[str, str]]:
    from zoo.core.registry import current

    registry = current()
    entry = registry.entry(kind, bare)
    lines = [("name", f"{kind}/{bare}")]
    try:
        row = _row(kind, bare)
        detail = _of_model(bare) if kind == "models" else [("options", _options(registry.load(kind, bare)))]
    except ZooError as error:
        row, detail = entry.row, [("error", str(error))]
    broken = any(key == "error" for key, _ in detail)
    lines += [(key, getattr(row, key, "")) for key in ("summary", "source", "licence", "note")]
    if kind != "models":
        lines.append(("options from its row", _shown(getattr(row, "options", {}))))
    else:
        lines += [("recipe", getattr(row, "recipe", "")), ("baseline", "yes" if getattr(row, "baseline", 0) else "")]
    lines += [
        ("target", "" if entry.target == COMPOSED else entry.target),
        ("origin", entry.origin),
        ("distribution", f"{entry.distribution} {entry.version}" if entry.row is None else entry.distribution),
        ("state", "broken" if broken else "ok"),
        *detail,
    ]
    return [(key, value) for key, value in lines if value]


def _of_model(name: str) -> list[tuple[str, str]]:
    from zoo.core.assemble import assemble
    from zoo.core.kinds import KIND_OF_ROLE
    from zoo.core.registry import current
    from zoo.core.resolve import resolve
    from zoo.core.spec import pretrained, sizes

    spec = resolve(name)
    lines = [(role, " ".join(filter(None, (ref.name, _shown(ref.options))))) for role, ref in spec.parts.items()]
    if spec.extras:
        lines.append(("extras", ", ".join(spec.extras)))
    for role, ref in spec.parts.items():
        if callable(factory := current().load(KIND_OF_ROLE[role], ref.name)):
            lines.append((f"{role} options", _options(factory)))
    lines += [("its paper's sizes", sizes(spec.effective, spec.paper)), ("pretrained", pretrained(spec.effective))]
    try:
        model = assemble(spec)
    except ZooError as error:
        return [*lines, ("error", str(error))]
    count = sum(p.numel() for p in model.parameters())
    return [
        *lines,
        ("parameters", f"{count:,} ({count / 1e6:.2f} M)"),
        ("stride", str(model.stride)),
        ("hint gain", _hint_gain(spec)),
    ]


def _hint_gain(spec: ModelSpec) -> str:
    """Of what: a propagator is given the hints as they are, the network upon it what it spreads, multiplied."""
    if "propagator" not in spec.parts:
        return f"{spec.hint_gain:g}"
    if len(spec.parts) == 1:
        return ""
    hints = "hints and spread colours" if spec.colorizer.reads == "both" else "spread colours"
    return f"{spec.hint_gain:g} (of the {hints} that the network reads; the propagator reads the hints as they are)"


def _options(factory: Any) -> str:
    """The options of a part and their defaults, as it is written in Python."""
    from zoo.core.kinds import option_names

    named = [
        name if parameter.default is inspect.Parameter.empty else f"{name}={parameter.default!r}"
        for name, parameter in option_names(factory).items()
    ]
    return ", ".join(named) or "none"


def _shown(options: Any) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in options.items())
