"""Sizes as they are: a row knows its paper's, a suite's are told as factors of them, a pretrained trunk is marked."""

from __future__ import annotations

import msgspec
import pytest

import zoo
from zoo.core.errors import BadInput
from zoo.core.registry import Registry, current, use
from zoo.core.resolve import resolve
from zoo.core.spec import pretrained, sizes
from zoo.harness.plan.suite import load_suite

WITH_PAPER = [name for name in zoo.list_models() if current().model_row(name).paper]


def test_a_size_that_no_part_has_is_no_papers(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("models: {mine: {encoder: conv, decoder: unet, head: ab, paper: {widht: 64}}}")
    use(Registry.read([file]))
    try:
        with pytest.raises(BadInput, match="paper: none of its parts has the size 'widht'; did you mean 'width'"):
            resolve("mine")
    finally:
        use(None)


@pytest.mark.parametrize("name", WITH_PAPER)
def test_a_rows_own_sizes_are_its_papers(name):
    spec = resolve(name)
    told = sizes(spec.effective, spec.paper).split(", ")[: len(spec.paper)]
    assert told == [f"{option} 1 ({size} of {size})" for option, size in spec.paper.items()]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("unet", "width 1/4 (16 of 64)"),
        ("icolorit", "width 1/48 (16 of 768), depth 5/12 (5 of 12)"),
        ("iizuka2016", "width 1/4 (16 of 64), global_size 2/7 (64 of 224)"),
        ("pspnet", "decoder.width 1/4 (16 of 64), resnet18 whole"),
        ("efficientnet_lite0_unet", "tf_efficientnet_lite0 whole"),
        ("enet", "width 1 (16 of 16)"),
        ("gray", ""),
    ],
)
def test_what_a_suite_makes_of_them_is_told(name, told):
    spec = resolve(name, defaults=load_suite("quick").options)
    assert sizes(spec.effective, spec.paper) == told


def test_pretrained_parts_are_named():
    marked = {name: pretrained(resolve(name).effective) for name in zoo.list_models()}
    assert {name: part for name, part in marked.items() if part} == {"efficientnet_lite0_unet": "tf_efficientnet_lite0"}
    assert pretrained({"network": {"pretrained": True}, "head": {"pretrained": False}}) == "network"


def test_they_decide_no_result():
    spec = resolve("unet")
    assert msgspec.structs.replace(spec, paper={}).identity() == spec.identity()
