"""Options find their parts, and wrong ones are errors."""

from __future__ import annotations

import pytest
import torch

import zoo
from zoo.core.assemble import make
from zoo.core.contracts import HINT_GAIN
from zoo.core.errors import BadInput, BrokenPlugin, UnknownName
from zoo.core.resolve import resolve, takes_option


def test_a_model_option_reaches_the_parts_that_name_it():
    spec = resolve("attention_unet", {"width": 8})
    assert spec.parts["encoder"].options["width"] == 8
    assert "width" not in spec.parts["head"].options


def test_a_dotted_option_reaches_one_part():
    spec = resolve("residual_unet", {"decoder.block": "double_conv"})
    assert spec.parts["decoder"].options["block"] == "double_conv"
    assert spec.parts["encoder"].options["block"] == "residual"


def test_a_suites_defaults_are_weaker_and_lenient():
    spec = resolve("unet", {"width": 4}, defaults={"width": 16, "nonsense": 1, "depth": 3})
    assert spec.parts["encoder"].options == {"block": "double_conv", "width": 4, "depth": 3}


def test_a_suites_default_may_be_for_one_part():
    spec = resolve("residual_unet", {"depth": 3}, defaults={"encoder.max_width": 48, "bridge.width": 1, "width": 16})
    assert spec.parts["encoder"].options["max_width"] == 48
    assert "max_width" not in spec.parts["decoder"].options
    assert spec.defaults == {"encoder.max_width": 48, "width": 16}, "there is no bridge"


def test_the_spec_decides_and_not_the_row():
    assert resolve("unet").identity() == resolve("unet", {"width": 64}).identity()
    assert resolve("unet").identity() != resolve("unet", {"width": 32}).identity()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"widht": 8}, "model 'unet' has no option 'widht'; did you mean 'width'"),
        ({"decoder.skp": "sum"}, "its decoder has no option 'skp'; did you mean 'skip'"),
        ({"encodr.width": 8}, "has no part 'encodr'"),
        ({"width": "wide"}, "option width='wide' does not fit"),
    ],
)
def test_a_wrong_option_is_one_sentence(options, sentence):
    with pytest.raises(BadInput) as error:
        zoo.build("unet", **options)
    assert sentence in str(error.value)


def test_an_unknown_nested_part_is_an_error():
    with pytest.raises(UnknownName, match="Unknown skip 'sums'; did you mean 'sum'"):
        zoo.build("unet", width=4, **{"decoder.skip": "sums"})


def test_a_part_that_raises_costs_itself_only():
    with pytest.raises(BrokenPlugin, match=r"block 'double_conv' cannot be built"):
        make("blocks", "double_conv", -1, 4)


def test_networks_that_learn_to_read_hints_get_them_amplified():
    trained = {name for name in zoo.list_models() if resolve(name).recipe != "untrained"}
    # Features that are means of hints; none at all; equations that take them as they are.
    as_given = {"cheng2015", "ddcolor", "learned_levin", "learned_pyramid"}
    gains = {name: resolve(name).hint_gain for name in trained - as_given}
    rows_own = {"icnet": 3, "iizuka2016": 16}
    assert gains == {name: rows_own.get(name, HINT_GAIN) for name in gains}
    assert {resolve(name).hint_gain for name in set(zoo.list_models()) - set(gains)} == {1}


def test_the_gain_is_an_option_of_every_model():
    assert takes_option("unet", "hint_gain")
    assert takes_option("edsr", "hint_gain")
    assert zoo.build("unet", width=4, hint_gain=2).hint_gain == 2
    assert resolve("unet", {"hint_gain": 1}).identity() != resolve("unet").identity()
    for wrong in (0, -1, True, "much", float("inf")):
        with pytest.raises(BadInput, match="give a number above 0"):
            resolve("unet", {"hint_gain": wrong})


def test_takes_option():
    assert takes_option("unet", "width")
    assert takes_option("unet", "decoder.skip")
    assert not takes_option("gray", "width")


def test_the_same_seed_builds_the_same_weights():
    states = []
    for _ in range(2):
        torch.manual_seed(3)
        states.append(zoo.build("unet", width=4, depth=3).state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
