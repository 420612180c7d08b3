"""The table of kinds: everything that can be plugged in, how it is called, and which options it takes. Torch-free.

The registry, entry points, ``zoo list``, ``zoo check``, the options that name a part, and the table in
docs/plugins.md read it.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import typing
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec

from zoo.core.errors import BadInput, BrokenPlugin, ZooError, cause_of, did_you_mean
from zoo.core.strict_yaml import misfit


class Kind(msgspec.Struct, frozen=True):
    """One kind of part.

    Attributes:
        plural: its name in the table, on the command line and in the entry-point group.
        called: how the harness makes one.
        gives: what that is, or what calling it gives.
        role: its place in a composed colorizer, where it has one.
        singular: what errors call one of them; by default the plural without its s.
        probed: whether one is held to a contract (:data:`zoo.core.probe.PROBES`) and ours to the numbers of
            ``tests/golden``; else it is only imported, because what it is called with is the harness's.
    """

    plural: str
    called: str
    gives: str
    role: str = ""
    singular: str = ""
    probed: bool = True

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "singular", self.singular or self.plural[:-1])

    @property
    def group(self) -> str:
        """The entry-point group by which a package adds one."""
        return f"zoo.{self.plural}"


KINDS: dict[str, Kind] = {
    kind.plural: kind
    for kind in (
        Kind("models", "`Model(**options)`", "a network with its row: condition (N, 4, H, W) → ab (N, 2, H, W)"),
        Kind(
            "propagators",
            "`Propagator(**options)`",
            "condition (N, 4, H, W) → ab (N, 2, H, W), confidence (N, 1, H, W) in [0, 1], or a mapping with them",
            role="propagator",
        ),
        Kind(
            "networks",
            "`Network(**options)`",
            "condition (N, 4, H, W) → ab (N, 2, H, W), or a mapping with it",
            role="network",
        ),
        Kind("encoders", "`Encoder(in_channels, **options)`", "`.levels`, (N, C, H, W) → `Pyramid`", role="encoder"),
        Kind("bridges", "`Bridge(levels, **options)`", "`.levels`, `Pyramid` → `Pyramid`", role="bridge"),
        Kind(
            "decoders",
            "`Decoder(levels, **options)`",
            "`.channels`, `.reduction`, `Pyramid` → (N, channels, H/reduction, W/reduction)",
            role="decoder",
        ),
        Kind("skips", "`Skip(skip_channels, gate_channels, **options)`", "`.channels`, (skip, gate) → tensor"),
        Kind("blocks", "`Block(in_channels, out_channels, **options)`", "tensor → tensor of the same size"),
        Kind(
            "heads",
            "`Head(channels, **options)`",
            'features → dict with `"ab"`; `.refine(prediction, condition)`, where it has one, goes on from there',
            role="head",
        ),
        Kind("hints", "`HintSampler(**options)`", "(ab, generator) → hint_ab, hint_mask", singular="hint sampler"),
        Kind(
            "augmentations",
            "`Augmentation(**options)`",
            "(photos, generator) → photos: uint8 (N, 3, H, W), cropped, before there are hints",
        ),
        Kind("losses", "`Loss(**options)`", "(prediction, batch) → scalar", singular="loss"),
        Kind("objectives", "`Objective(colorizer, losses, **options)`", "what training needs beyond the colorizer"),
        Kind(
            "optimizers",
            "`Optimizer(groups, *, lr, **options)`",
            "a `torch.optim.Optimizer`; of the recipe's `betas` and `momentum` it is given what it names",
        ),
        Kind("schedules", "`schedule(**options)`", "progress in [0, 1] → what the learning rate is multiplied by"),
        Kind(
            "extras", "`extra(given)`", "view of a batch → tensor (N, …), what a model names in `extras`", probed=False
        ),
        Kind(
            "datasets",
            "`Dataset(split, **options)`",
            "photos as uint8 (H, W, 3), `.fingerprint()`; a class with a `splits` that names `validation` is asked for "
            "those photos too, of any other a part of those to train on is kept for validation",
        ),
        Kind("metrics", "`Metric(**options)`", "`.per_image(prediction, target)` → (N,)"),
        Kind(
            "executors",
            "`Executor(**options)`",
            "`.submit(run, results)` → a task; the record comes into `results`",
            probed=False,
        ),
        Kind(
            "trackers",
            "`Tracker(run_folder, run_name, config)`",
            "`.log(step, values)`, `.finish(status, scores)`",
            probed=False,
        ),
    )
}

ROLES = tuple(kind.role for kind in KINDS.values() if kind.role)
"""What a colorizer is made of, in the order data flows through it: see :class:`zoo.core.spec.ModelRow`."""

KIND_OF_ROLE = {kind.role: kind.plural for kind in KINDS.values() if kind.role}


class Names(NamedTuple):
    """In an option's annotation: the option names a registered part, or several.

    ``block: Annotated[str | dict[str, Any], Names("blocks")] = "double_conv"``. Its value is a name, a mapping
    ``{name: ..., **options}``, or a sequence of these. Such parts are checked and enter a run's identity.
    """

    kind: str


def named_kind(annotation: Any) -> str | None:
    """The kind that an annotation's :class:`Names` says, if there is one."""
    metadata: Iterable[Any] = getattr(annotation, "__metadata__", ())
    return next((each.kind for each in metadata if isinstance(each, Names)), None)


Factory = Callable[..., Any]
Found = TypeVar("Found")


def _once(look: Callable[[Factory], Found]) -> Callable[[Factory], Found]:
    """Keeps what a look at a factory finds: it takes long, and a table may have thousands of models of few parts."""
    kept = functools.lru_cache(maxsize=4096)(look)

    @functools.wraps(look)
    def found(factory: Factory) -> Found:
        return kept(factory) if isinstance(factory, Hashable) else look(factory)

    return found


@_once
def _parameters(factory: Factory) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(factory).parameters


def option_names(factory: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """What may be set on a part: its keyword-only parameters and those with a default."""
    found = {}
    for name, parameter in _parameters(factory).items():
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
    return any(p.kind is p.VAR_KEYWORD for p in _parameters(factory).values())


@_once
def option_annotations(factory: Factory) -> Mapping[str, Any]:
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
        raise BrokenPlugin(f"{where} cannot be built: {cause_of(error)}.") from error


def typed_options(factory: Callable[..., Any], options: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Options converted to what the constructor's annotations ask for (a YAML list to a tuple, say)."""
    types = {option: _plain(annotation) for option, annotation in option_annotations(factory).items()}
    checked: dict[str, Any] = {}
    for key, value in options.items():
        try:
            checked[key] = msgspec.convert(value, types[key]) if key in types else value
        except msgspec.ValidationError as error:
            raise BadInput(f"{where}: option {key}={value!r} does not fit: {misfit(error, types[key])}.") from None
        except TypeError:
            # An annotation msgspec does not know (a class of the plugin's own): left to the constructor.
            checked[key] = value
    return checked


def _plain(annotation: Any) -> Any:
    """An annotation without what only we read in it."""
    return annotation.__origin__ if hasattr(annotation, "__metadata__") else annotation
