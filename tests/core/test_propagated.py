"""A propagator alone, and a network upon one: what it sees, where it starts, what it keeps."""

import inspect
import typing

import pytest
import torch

import zoo
from zoo.core.assemble import assemble, make_objective
from zoo.core.colorizer import Colorizer, refiner_of
from zoo.core.contracts import Batch
from zoo.core.errors import BadInput, UnknownName
from zoo.core.propagated import Propagated
from zoo.core.registry import Registry, current, use
from zoo.core.resolve import resolve, takes_option
from zoo.core.spec import UNTRAINED, ColorizerOptions
from zoo.harness.plan.planning import option_in
from zoo.parts.classical.levin2004 import Levin2004
from zoo.parts.losses.mixture_nll import MixtureNLL
from zoo.parts.propagators.pyramid import PyramidPropagator

ROWS = """
models:
  upon:
    propagator: pyramid
    encoder: {name: conv, block: double_conv}
    decoder: {name: unet, block: double_conv, skip: concat, upsample: nearest}
    head: ab
    options: {width: 4, depth: 3}
  whole_upon: {propagator: {name: pyramid, sweeps: 4}, network: zhang2017, options: {width: 4}}
  two: {network: zhang2017, encoder: conv}
  half: {propagator: pyramid, encoder: conv}
  nothing: {summary: "no part at all"}
  unspread: {encoder: conv, decoder: unet, head: cspn}
"""


@pytest.fixture
def table(tmp_path):
    file = tmp_path / "rows.yaml"
    file.write_text(ROWS)
    before = current()
    use(Registry.read([file]))
    yield
    use(before)


@pytest.fixture
def condition():
    generator = torch.Generator().manual_seed(0)
    lightness = torch.rand(2, 1, 33, 47, generator=generator) * 2 - 1
    mask = (torch.rand(2, 1, 33, 47, generator=generator) < 0.05).float()
    ab = torch.rand(2, 2, 33, 47, generator=generator) - 0.5
    return torch.cat((lightness, ab * mask, mask), dim=1)


class Seen(torch.nn.Module):
    """A network that keeps what it was given and answers with a constant."""

    stride = 1

    def forward(self, condition):
        self.condition = condition
        return torch.full_like(condition[:, 1:3], 0.25)


def test_a_propagator_alone_is_the_colorizer(condition):
    torch.testing.assert_close(zoo.build("levin2004")(condition)["ab"], Levin2004()(condition), atol=0, rtol=0)
    torch.testing.assert_close(zoo.build("pyramid")(condition)["ab"], PyramidPropagator()(condition)[0], atol=0, rtol=0)


def test_what_a_propagator_gives_beside_its_colours_is_for_losses(condition):
    class Proposing(torch.nn.Module):
        def forward(self, condition):
            return {"ab": condition[:, 1:3], "ab_proposal": condition[:, 1:3] + 1}

    for network in (None, Seen()):
        found = Propagated(Proposing(), network, ColorizerOptions())(condition)
        assert torch.equal(found["ab_proposal"], condition[:, 1:3] + 1)
        assert found["confidence"].shape == (2, 1, 33, 47)
        assert (found["confidence"] == 1).all()


@pytest.mark.parametrize("name", ["upon", "whole_upon"])
def test_a_network_upon_a_propagator_starts_at_what_it_spreads(table, condition, name):
    model = zoo.build(name).eval()
    started = model(condition)["ab"]
    padded = model.prepared(condition)
    expected = model.network.propagator(padded)[0][..., :33, :47]
    torch.testing.assert_close(started, expected, atol=0, rtol=0)
    assert sum(p.numel() for p in model.parameters()) > 0


def test_the_network_sees_the_spread_hints_and_their_confidence_in_the_hints_place(condition):
    seen = Seen()
    Colorizer(Propagated(PyramidPropagator(), seen, ColorizerOptions(hint_gain=8)))(condition)
    ab, confidence = PyramidPropagator()(condition)
    torch.testing.assert_close(seen.condition, torch.cat((condition[:, :1], 8 * ab, confidence), 1))

    Colorizer(Propagated(PyramidPropagator(), seen, ColorizerOptions(hint_gain=8, reads="both")))(condition)
    hints = torch.cat((8 * condition[:, 1:3], condition[:, 3:]), 1)
    torch.testing.assert_close(seen.condition, torch.cat((condition[:, :1], hints, 8 * ab, confidence), 1))


def test_hinted_pixels_keep_their_colour_unless_told_otherwise(condition):
    mask = condition[:, 3:] > 0
    kept = Colorizer(Propagated(PyramidPropagator(), Seen(), ColorizerOptions()))(condition)["ab"]
    assert torch.equal(kept.where(mask, torch.zeros(())), condition[:, 1:3])
    moved = Colorizer(Propagated(PyramidPropagator(), Seen(), ColorizerOptions(keep_hints=False)))(condition)["ab"]
    torch.testing.assert_close(moved, PyramidPropagator()(condition)[0] + 0.25)


def test_without_residual_the_network_answers_alone(condition):
    told = ColorizerOptions(residual=False, keep_hints=False)
    found = Colorizer(Propagated(PyramidPropagator(), Seen(), told))(condition)["ab"]
    assert torch.equal(found, torch.full_like(found, 0.25))


def test_a_propagator_without_a_confidence_is_sure_wherever_there_is_a_hint(condition):
    condition[1, 1:] = 0
    confidence = Propagated(Levin2004(), None, ColorizerOptions())(condition)["confidence"]
    assert confidence[0].eq(1).all()
    assert not confidence[1].any()


class Refining(Seen):
    """Keeps what it is given to go on from, and answers with it plus one."""

    def refine(self, prediction, condition):
        self.given = prediction["ab"], condition
        return {**prediction, "ab": prediction["ab"] + 1, "before": prediction["ab"]}


def test_a_network_that_refines_goes_on_from_the_sum_with_the_hints_as_they_were_given(condition):
    network = Refining()
    found = Colorizer(Propagated(PyramidPropagator(), network, ColorizerOptions(hint_gain=8)))(condition)
    begun, hints = network.given
    torch.testing.assert_close(begun, PyramidPropagator()(condition)[0] + 0.25)
    torch.testing.assert_close(hints, condition)
    mask = condition[:, 3:] > 0
    torch.testing.assert_close(found["ab"], torch.where(mask, condition[:, 1:3], begun + 1))
    torch.testing.assert_close(found["before"], begun)


def test_what_the_role_is_told_enters_the_identity(table):
    plain = resolve("upon").identity()
    for option in ({"reads": "both"}, {"residual": False}, {"keep_hints": False}, {"propagator.sweeps": 8}):
        assert resolve("upon", option).identity() != plain
    assert assemble(resolve("upon", {"reads": "both"})).eval()(torch.zeros(1, 4, 16, 16))["ab"].shape == (1, 2, 16, 16)


def test_training_moves_the_network_from_the_second_step_on(table, condition):
    model = zoo.build("upon")
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    first = [p.detach().clone() for p in model.parameters()]
    for _ in range(2):
        optimizer.zero_grad()
        (model(condition)["ab"] - 0.5).abs().mean().backward()
        optimizer.step()
    assert all(not torch.equal(before, p) for before, p in zip(first, model.parameters(), strict=True))


def test_without_a_propagator_a_network_refines_what_it_predicts_itself(condition):
    network = Refining()
    network.stride = 8
    found = Colorizer(network, hint_gain=8)(condition)["ab"]
    begun, hints = network.given
    assert hints.shape == (2, 4, 40, 48)
    torch.testing.assert_close(hints[..., :33, :47], condition)
    torch.testing.assert_close(found, torch.full_like(found, 1.25))
    assert begun.shape == (2, 2, 40, 48)


def test_a_head_that_spreads_hints_does_so_without_a_propagator_too(table, condition):
    found = zoo.build("unspread", width=4).eval()(condition)["ab"]
    mask = condition[:, 3:] > 0
    assert torch.equal(found.where(mask, torch.zeros(())), condition[:, 1:3])
    assert found.where(~mask, torch.zeros(())).any()


class HasALayerOfThatName(Seen):
    def __init__(self):
        super().__init__()
        self.refine = torch.nn.Conv2d(2, 2, 1)


def test_a_layer_called_refine_makes_no_refiner(condition):
    assert refiner_of(HasALayerOfThatName()) is None
    Colorizer(HasALayerOfThatName())(condition)
    Colorizer(Propagated(PyramidPropagator(), HasALayerOfThatName(), ColorizerOptions()))(condition)


def test_a_refiner_may_answer_at_a_part_of_the_size(condition):
    model = zoo.build("unet_crf", width=4, depth=3, propagator="pyramid").eval()
    assert model(condition)["ab"].shape == (2, 2, 33, 47)


def test_any_row_is_put_upon_the_propagator_that_is_asked_for(table):
    small = {"width": 4, "depth": 3}
    assert resolve("unet", {**small, "propagator": "pyramid"}).identity() == resolve("upon", small).identity()
    other = resolve("upon", {"propagator": {"name": "pyramid", "sweeps": 4}})
    assert other.identity() == resolve("upon", {"propagator.sweeps": 4}).identity()
    assert option_in(other, "propagator")
    assert option_in(other, "keep_hints")
    assert not option_in(resolve("unet", small), "keep_hints"), "there it would change nothing"


def test_a_baseline_and_a_propagator_stay_as_they_are_and_are_called_so(table):
    for name, reason in (("gray", "is a baseline"), ("oracle_quarter", "is a baseline"), ("pyramid", "is no network")):
        assert not takes_option(name, "propagator")
        assert not option_in(resolve(name), "propagator")
        with pytest.raises(BadInput, match=reason):
            resolve(name, {"propagator": "nearest"})
    for name, option in (("gray", "hint_gain"), ("levin2004", "keep_hints"), ("mean_ab", "reads")):
        assert not takes_option(name, option)
        assert not option_in(resolve(name), option)


def test_a_suites_propagator_goes_under_what_is_trained_and_has_none_of_its_own(table):
    usual = {"propagator": "nearest"}
    assert resolve("unet", defaults=usual).parts["propagator"].name == "nearest"
    assert resolve("unet", defaults=usual).defaults == usual
    assert "propagator" not in resolve("unet", {"propagator": "none"}, defaults=usual).parts
    for name in ("upon", "nconv_unet", "pyramid", "gray", "gupta2012"):
        assert resolve(name, defaults=usual).identity() == resolve(name).identity()
        assert not resolve(name, defaults=usual).defaults


def test_upon_none_a_network_is_what_its_paper_says_and_a_refiner_starts_from_the_hints(table):
    assert resolve("upon", {"propagator": "none"}).identity() == resolve("unet", {"width": 4, "depth": 3}).identity()
    assert resolve("cspn", {"propagator": "none"}).parts["propagator"].name == "none"


@pytest.mark.parametrize("head", ["quantized", "crf"])
def test_a_distribution_of_whole_colours_is_no_residual_unless_it_is_asked_to_be(table, head):
    row = f"unet_{head}"
    assert not resolve(row, {"propagator": "pyramid"}).colorizer.residual
    assert resolve(row, {"propagator": "pyramid", "residual": True}).colorizer.residual


def test_what_a_network_predicts_on_its_way_is_a_residual_too(condition):
    model = zoo.build("icnet", width=8, propagator="pyramid")
    found = model(condition)
    for name in ("ab_sub4", "ab_sub24"):
        torch.testing.assert_close(found[name][..., :33, :47], found["ab"], atol=0, rtol=0)


def test_a_mixture_is_one_of_colours_upon_what_was_spread(condition):
    """So its likelihood is that of the photo's colours, and what it suggests are colours."""
    model = zoo.build("unet_mixture", width=4, depth=3, propagator="pyramid").eval()
    padded = model.prepared(condition)
    found = model(padded)
    spread = PyramidPropagator()(padded)[0]
    torch.testing.assert_close(found["ab"], spread)
    torch.testing.assert_close(found["mixture_means"].mean(1), spread)
    before = MixtureNLL()(found, Batch(padded[:, :1], spread, padded[:, 1:3], padded[:, 3:]))
    alone = model.learner(model.seen(padded))
    grey = Batch(padded[:, :1], torch.zeros_like(spread), padded[:, 1:3], padded[:, 3:])
    torch.testing.assert_close(before, MixtureNLL()(alone, grey))


def test_draws_are_made_upon_what_was_spread_and_keep_the_hints(condition):
    model = zoo.build("pix2pix", width=4, depth=5, propagator="pyramid")
    assert model.can_sample
    for each in model.sample(condition, 2, torch.Generator().manual_seed(0)).unbind(1):
        torch.testing.assert_close(each, zoo.build("pyramid")(model.prepared(condition))["ab"][..., :33, :47])
    with torch.no_grad():
        model.learner.last.weight.normal_(std=0.5)
    drawn = model.sample(condition, 2, torch.Generator().manual_seed(0))
    assert not torch.equal(drawn[:, 0], drawn[:, 1])
    mask = condition[:, None, 3:] > 0
    assert torch.equal(drawn.where(mask, torch.zeros(())), condition[:, None, 1:3].expand_as(drawn))


def test_a_layer_that_is_called_refine_refines_nothing(condition):
    network = Seen()
    network.refine = torch.nn.Conv2d(2, 2, 1)
    assert Colorizer(Propagated(PyramidPropagator(), network, ColorizerOptions()))(condition)["ab"].isfinite().all()


@pytest.mark.parametrize("name", ["eigen_multiscale", "zhang2017", "deshpande2017"])
def test_a_recipe_speaks_to_the_network_upon_the_propagator(condition, name):
    """Its stages by names of parameters, its phases by attributes, its auto-encoder by methods."""
    model = zoo.build(name, width=8, propagator="pyramid")
    objective, _ = make_objective(current().recipe(resolve(name).recipe), model, "cpu")
    ab = torch.rand(2, 2, 33, 47) - 0.5
    batch = Batch(condition[:, :1], ab, condition[:, 1:3], condition[:, 3:])
    for progress in (0.0, 0.99):
        objective.begin_step(progress)
        total, _ = objective.loss("colorizer", batch)
        total.backward()
    assert any(p.grad is not None and p.grad.any() for p in model.learner.parameters())


@pytest.mark.parametrize("name", ["unet", "zhang2017", "deshpande2017", "pix2pix"])
def test_what_python_sees_of_a_module_without_asking_it_is_enough(condition, name, monkeypatch):
    """From 3.12 on a protocol is looked up with ``inspect.getattr_static``, which finds no module's modules."""
    model, missing = zoo.build(name, width=8, propagator="pyramid"), object()
    monkeypatch.setattr(
        typing, "hasattr", lambda it, name: inspect.getattr_static(it, name, missing) is not missing, raising=False
    )
    assert model.learner is model.network.network
    assert model.can_sample is (name in ("pix2pix", "deshpande2017"))
    padded = model.prepared(condition)
    assert not torch.equal(model.seen(padded)[:, 1:3], padded[:, 1:3])


def upon_the_pyramid(name):
    """The row's network upon the pyramid, small; None of what is not trained so."""
    spec = resolve(name)
    if not takes_option(name, "propagator") or spec.extras or spec.recipe == UNTRAINED or name == "ddcolor":
        return None
    return resolve(name, {"propagator": "pyramid"}, defaults={"width": 8, "depth": 5})


@pytest.mark.slow
@pytest.mark.parametrize("name", current().names("models"))
def test_every_network_but_a_distribution_starts_at_what_is_spread(condition, name):
    if (upon := upon_the_pyramid(name)) is None:
        return
    model = assemble(upon).eval()
    started = model(condition)["ab"].detach()
    expected = zoo.build("pyramid")(model.prepared(condition))["ab"][..., :33, :47]
    same = torch.allclose(started, expected, atol=6e-3)  # half a level of the 8 bits that chromagan's sigmoid has
    refines = refiner_of(model.learner) is not None
    assert same == upon.colorizer.residual or refines


@pytest.mark.slow
@pytest.mark.parametrize("name", current().names("models"))
def test_a_residual_that_starts_at_zero_reaches_every_layer(condition, name):
    """Within some steps: at the first the layer that makes ab takes it all, and eigen_multiscale has three of them."""
    if (upon := upon_the_pyramid(name)) is None or not upon.colorizer.residual:
        return
    model = assemble(upon).train()
    optimizer = torch.optim.AdamW(model.network.parameters(), lr=1e-3)
    for _ in range(4):
        optimizer.zero_grad()
        found = model(condition)["ab"]
        (found - found.detach() - torch.rand_like(found)).square().mean().backward()
        optimizer.step()
        first = next(p for p in model.learner.parameters() if p.dim() > 1)
        if first.grad is not None and first.grad.any():
            return
    pytest.fail("four steps did not reach the first layer")


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("levin2004", {"propagator": "pyramid"}, "is no network to put upon a propagator; name the model 'pyramid'"),
        ("two", {}, "either a network or parts"),
        ("half", {}, "the decoder is missing"),
        ("nothing", {}, "there is no encoder, decoder and head"),
        ("whole_upon", {"reads": "both"}, "needs an encoder"),
        ("unet", {"reads": "both"}, "set a propagator too"),
        ("upon", {"reads": "all"}, "reads.*known: both, spread|reads.*both"),
    ],
)
def test_rows_and_options_that_make_no_colorizer_are_refused(table, name, options, said):
    with pytest.raises(BadInput, match=said):
        resolve(name, options)


def test_what_a_network_says_at_the_hints_is_taken_off_again_by_an_anchor(condition):
    told = ColorizerOptions(keep_hints=False)
    anchored = Colorizer(Propagated(PyramidPropagator(), Seen(), told, PyramidPropagator()))
    spread = PyramidPropagator()(condition)[0]
    # A constant is spread as what it is: nothing of it is added, but where there are no hints.
    torch.testing.assert_close(anchored(condition)["ab"], spread, atol=1e-5, rtol=0)
    blind = torch.cat((condition[:, :1], torch.zeros_like(condition[:, 1:])), dim=1)
    torch.testing.assert_close(anchored(blind)["ab"], torch.full_like(spread, 0.25))


def test_an_anchored_network_keeps_the_hints_and_adds_what_they_do_not_say(condition):
    model = zoo.build("unet", width=4, depth=3, propagator="pyramid", anchor={"name": "pyramid", "sweeps": 6}).eval()
    with torch.no_grad():
        model.learner.head.project.weight.normal_(std=0.5)
    padded = model.prepared(condition)
    with torch.no_grad():
        added = model.learner(model.seen(padded))["ab"]
        found, spread = model(padded)["ab"], PyramidPropagator()(padded)[0]
    mask = padded[:, 3:]
    again = torch.cat((padded[:, :1], added * mask, mask), dim=1)
    expected = spread + added - PyramidPropagator(sweeps=6)(again)[0]
    torch.testing.assert_close(found, torch.where(mask > 0, padded[:, 1:3], expected))
    torch.testing.assert_close(expected * mask, padded[:, 1:3] * mask, atol=1e-5, rtol=0)
    assert float((found - spread).abs().max()) > 0.01


def test_an_anchor_is_of_networks_that_add_and_only_then_decides_a_result(table):
    asked = {"propagator": "pyramid", "anchor": "pyramid"}
    plain, anchored = resolve("unet", {"propagator": "pyramid"}), resolve("unet", asked)
    assert "anchor" not in plain.identity()
    assert anchored.identity()["anchor"] == "pyramid"
    for name, options in (("unet_crf", asked), ("levin2004", {"anchor": "pyramid"}), ("unet", {"anchor": "pyramid"})):
        assert resolve(name, options).colorizer.anchor == "none"
    with pytest.raises(UnknownName, match="pyramyd"):
        zoo.build("unet", propagator="pyramid", anchor="pyramyd")
