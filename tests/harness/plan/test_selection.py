"""What is written after --models."""

from __future__ import annotations

import pytest

from zoo import list_models
from zoo.core.errors import BadInput, UnknownName
from zoo.harness.plan.selection import select_models, with_baselines


@pytest.mark.parametrize(
    ("written", "models"),
    [
        ("all", list_models()),
        ("all,-unet", [name for name in list_models() if name != "unet"]),
        ("all,-models/unet", [name for name in list_models() if name != "unet"]),
        ("all, -*unet*", [name for name in list_models() if "unet" not in name]),
        ("-*unet*", [name for name in list_models() if "unet" not in name]),
        ("unet,gray", ["unet", "gray"]),
        ("models/unet, models/gra?", ["unet", "gray"]),
        ("unet*,-unet,-unetplusplus", [name for name in list_models("unet*") if name not in ("unet", "unetplusplus")]),
        ("all,-*,gray", ["gray"]),
        ("unet,-gray", ["unet"]),
        ("models/all,-models/all,unet", ["unet"]),
        ("unet,unet,models/unet", ["unet"]),
    ],
)
def test_from_left_to_right(written, models):
    assert select_models(written)[0] == models


def test_what_a_glob_matched_was_not_named():
    assert select_models("unet,gra*,pix2pix,-pix2pix,models/fpn")[1] == {"unet", "fpn"}


@pytest.mark.parametrize("written", ["", ",", "all,-all", "unet,-unet"])
def test_no_model_is_an_error(written):
    with pytest.raises(BadInput):
        select_models(written)


@pytest.mark.parametrize("written", ["unte", "all,-unte", "all,-zzz*", "models/unte", "-", "recipes/default"])
def test_a_name_that_is_none_is_an_error_on_either_side(written):
    with pytest.raises(UnknownName):
        select_models(written)


@pytest.mark.parametrize(
    ("written", "models"),
    [
        ("unet", ["unet", "gray", "levin2004", "mean_ab", "oracle_quarter"]),
        ("levin2004,unet", ["levin2004", "unet", "gray", "mean_ab", "oracle_quarter"]),
        ("unet,-oracle*,-gray", ["unet", "levin2004", "mean_ab"]),
    ],
)
def test_baselines_come_unasked_but_where_they_are_left_out(written, models):
    assert with_baselines(select_models(written)[0], written) == models
