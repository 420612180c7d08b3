"""A value that does not fit is named together with the values that would."""

from __future__ import annotations

import enum
from typing import Annotated, Any, Literal

import msgspec
import pytest

from zoo.core.errors import BadInput
from zoo.core.resolve import resolve
from zoo.core.strict_yaml import decode, misfit
from zoo.harness.plan.suite import Suite


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Inner(msgspec.Struct):
    fit: Literal["crop", "stretch"] = "crop"


class Outer(msgspec.Struct):
    colour: Colour = Colour.RED
    inner: Inner | None = None
    many: list[Literal["a", "b"]] = []
    pair: tuple[int, Literal["left", "right"]] = (0, "left")
    named: dict[str, Inner] = {}
    marked: Annotated[Literal["x", "y"], msgspec.Meta(description="one of two")] = "x"
    number: Literal[1, 2] = 1


@pytest.mark.parametrize(
    ("value", "known"),
    [
        ({"colour": "rd"}, "did you mean 'red'? (known: red, blue)"),
        ({"inner": {"fit": "cropp"}}, "did you mean 'crop'? (known: crop, stretch)"),
        ({"many": ["a", "c"]}, "known: a, b"),
        ({"pair": [0, "middle"]}, "known: left, right"),
        ({"named": {"any": {"fit": "zoom"}}}, "known: crop, stretch"),
        ({"marked": "zz"}, "known: x, y"),
        ({"number": 7}, "known: 1, 2"),
        ({"inner": {"fit": 3}}, "known: crop, stretch"),
    ],
)
def test_the_allowed_values_follow_wherever_the_type_stands(value: Any, known: str):
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.convert(value, Outer)
    said = misfit(error.value, Outer)
    assert said.endswith(known)
    assert "\n" not in said


def test_other_errors_are_what_msgspec_says():
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.convert({"inner": 3}, Outer)
    assert misfit(error.value, Outer) == "expected `object | null`, got `int` - at `$.inner`"


def test_a_suite_and_an_option_name_what_they_allow():
    with pytest.raises(BadInput, match=r"did you mean 'stretch'\? \(known: crop, stretch\)\.$"):
        decode({"size": 32, "fit": "strech"}, Suite, "suite")
    with pytest.raises(BadInput, match=r"known: bilinear, nearest, pixel_shuffle, transpose"):
        resolve("unet", {"decoder.upsample": "nearst"})


@pytest.mark.parametrize(
    "field",
    [
        *({"size": 10**9}, {"size": 0}, {"load_size": 10**9}, {"seeds": 0}, {"batch": -1}, {"test_limit": -1}),
        *({"threads": 0}, {"curve": 10**9}, {"timeout": 0}, {"sweep_limit": 0}),
        {"sweeps": {"a": {"hints": "points", "counts": [10**9]}}},
    ],
)
def test_a_number_that_no_machine_could_take_is_refused_where_it_enters(field):
    with pytest.raises(BadInput, match=f"suite: expected .* - at `\\$.{next(iter(field))}"):
        decode({"size": 32, **field}, Suite, "suite")
