"""The options of a part: which it has, what they may be, and a part built with them."""

from __future__ import annotations

import contextlib
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from zoo.core.errors import BadInput, BrokenPlugin, ZooError, did_you_mean
from zoo.core.strict_yaml import misfit

Factory = Callable[..., Any]


def option_names(factory: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """What may be set on a part: its keyword-only parameters and those with a default."""
    found = {}
    for name, parameter in inspect.signature(factory).parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY or (
            parameter.kind is parameter.POSITIONAL_OR_KEYWORD and parameter.default is not parameter.empty
        ):
            found[name] = parameter
    return found


def effective_options(factory: Factory, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that a part is built with, its constructor's own included where they are plain data."""
    found: dict[str, Any] = {}
    for name, parameter in option_names(factory).items():
        if name not in options and parameter.default is not parameter.empty:
            with contextlib.suppress(TypeError, ValueError):  # a default that is no plain data
                found[name] = msgspec.json.decode(msgspec.json.encode(parameter.default))
    return {**found, **options}


def takes_any_option(factory: Callable[..., Any]) -> bool:
    """Whether the part ends in ``**options``: it then takes dotted options of any name.

    A module without a constructor of its own has torch's, which ends so too and takes nothing.
    """
    if inspect.isclass(factory) and getattr(factory.__init__, "__module__", "").startswith("torch."):
        return False
    return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(factory).parameters.values())


def option_annotations(factory: Factory) -> dict[str, Any]:
    """The annotations of a part's constructor, ``Annotated`` kept; empty where they cannot be looked up."""
    owner = factory.__init__ if inspect.isclass(factory) else factory
    try:
        return typing.get_type_hints(owner, include_extras=True)
    except (NameError, TypeError, AttributeError):
        return {}


def check_option_names(factory: Factory, options: Mapping[str, Any], where: str) -> None:
    """Refuse an option that the part does not have.

    Raises:
        BadInput: with the nearest names.
    """
    named = option_names(factory)
    if takes_any_option(factory):
        return
    for key in options:
        if key not in named:
            raise BadInput(f"{where} has no option {key!r}; {did_you_mean(key, named)}")


def call(factory: Callable[..., Any], args: tuple[Any, ...], options: Mapping[str, Any], where: str) -> Any:
    """Call a part's constructor, with options checked by name and type first."""
    check_option_names(factory, options, where)
    checked = typed_options(factory, options, where)
    try:
        return factory(*args, **checked)
    except ZooError:
        raise
    except (Exception, SystemExit) as error:
        # Whatever a part's constructor raises is that part's fault: one broken part costs its own row.
        reason = (str(error).strip().splitlines() or ["no message"])[0].rstrip(".")
        raise BrokenPlugin(f"{where} cannot be built: {type(error).__name__}: {reason}.") from error


def typed_options(factory: Callable[..., Any], options: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Options converted to what the constructor's annotations ask for (a YAML list to a tuple, say)."""
    hints = {option: _plain(annotation) for option, annotation in option_annotations(factory).items()}
    checked: dict[str, Any] = {}
    for key, value in options.items():
        try:
            checked[key] = msgspec.convert(value, hints[key]) if key in hints else value
        except msgspec.ValidationError as error:
            raise BadInput(f"{where}: option {key}={value!r} does not fit: {misfit(error, hints[key])}.") from None
        except TypeError:
            # An annotation msgspec does not know (a class of the plugin's own): left to the constructor.
            checked[key] = value
    return checked


def _plain(annotation: Any) -> Any:
    """An annotation without what only we read in it."""
    return annotation.__origin__ if hasattr(annotation, "__metadata__") else annotation
