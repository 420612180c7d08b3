"""A teacher from a run folder, a student that follows."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from zoo.core.assemble import assemble
from zoo.core.colorizer import Colorizer
from zoo.core.contracts import Batch, Prediction
from zoo.core.errors import BadInput
from zoo.core.resolve import build, resolve
from zoo.parts.objectives.distillation import Distillation, soft_target_loss

PAIR = [("encoder.stages.1", "encoder.stages.1")]


def absolute(prediction: Prediction, batch: Batch) -> Tensor:
    return (prediction["ab"] - batch.ab).abs().mean()


LOSSES = {"l1": (1.0, absolute)}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a finished run of a small U-Net."""
    torch.manual_seed(0)
    spec = resolve("unet", {"width": 8, "depth": 3})
    network = assemble(spec).network
    torch.nn.init.normal_(network.head.project.weight, std=0.3)
    save_file(network.state_dict(), tmp_path / "model.safetensors")
    told = {"model": "unet", "label": "unet", "seed": 0, "suite": "smoke", "spec": msgspec.to_builtins(spec)}
    (tmp_path / "run.json").write_text(json.dumps(told))
    return tmp_path


@pytest.fixture
def student() -> Colorizer:
    torch.manual_seed(1)
    return build("unet", width=4, depth=2)


def train(objective: Distillation, batch: Batch, steps: int) -> list[float]:
    optimizer = torch.optim.Adam(objective.parameters_of("colorizer"), lr=3e-3)
    seen = []
    objective.train()
    for step in range(steps):
        objective.begin_step(step / steps)
        loss, _ = objective.loss("colorizer", batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen.append(float(loss))
    return seen


def test_student_nears_the_teacher_which_stays_as_it_was(run: Path, student: Colorizer, batch: Batch) -> None:
    objective = Distillation(student, LOSSES, teacher=str(run), alpha=1.0, hints=PAIR)
    before = {key: value.clone() for key, value in objective.teacher.state_dict().items()}
    regressor = objective.regressors[0].weight.detach().clone()
    seen = train(objective, batch, 30)
    assert seen[-1] < 0.5 * seen[0]
    assert all(torch.equal(value, before[key]) for key, value in objective.teacher.state_dict().items())
    assert not torch.equal(objective.regressors[0].weight, regressor)
    assert not objective.teacher.training


def test_terms_are_weighted_as_said(run: Path, student: Colorizer, batch: Batch) -> None:
    objective = Distillation(student, LOSSES, teacher=str(run), alpha=0.3, hints=PAIR, hint_weight=0.2)
    total, terms = objective.loss("colorizer", batch)
    expected = 0.7 * terms["l1"] + 0.3 * terms["soft"] + 0.2 * terms["hints"]
    torch.testing.assert_close(total.detach(), expected)
    with torch.no_grad():
        distance = (student(batch.condition)["ab"] - objective.teacher(batch.condition)["ab"]).abs().mean()
    assert float(terms["soft"]) == pytest.approx(float(distance), rel=0.2)  # batch statistics moved in between


def test_hint_stage_has_only_hints(run: Path, student: Colorizer, batch: Batch) -> None:
    objective = Distillation(student, LOSSES, teacher=str(run), hints=PAIR, hint_stage=0.5)
    objective.begin_step(0.49)
    assert set(objective.loss("colorizer", batch)[1]) == {"hints"}
    objective.begin_step(0.5)
    assert set(objective.loss("colorizer", batch)[1]) == {"hints", "l1", "soft"}


def test_hint_loss_is_fitnets(run: Path, student: Colorizer, batch: Batch) -> None:
    objective = Distillation(student, LOSSES, teacher=str(run), hints=PAIR)
    u = torch.randn(2, 16, 8, 8, generator=torch.Generator().manual_seed(0))
    v = torch.randn(2, 8, 8, 8, generator=torch.Generator().manual_seed(1))
    loss = objective._hint_loss({PAIR[0][0]: u}, {PAIR[0][1]: v})
    weight, bias = objective.regressors[0].weight.double()[..., 0, 0], objective.regressors[0].bias.double()
    r = torch.einsum("oc,nchw->nohw", weight, v.double()) + bias[:, None, None]
    assert float(loss) == pytest.approx(float(0.5 * (u.double() - r).square().mean()), rel=1e-6)
    objective.normalise = True
    assert float(objective._hint_loss({PAIR[0][0]: 9 * u}, {PAIR[0][1]: v})) == pytest.approx(
        float(objective._hint_loss({PAIR[0][0]: u}, {PAIR[0][1]: v})), rel=1e-5
    )


def test_temperature_squared_keeps_the_gradient() -> None:
    generator = torch.Generator().manual_seed(0)
    bins = 50
    z, v = (torch.randn(1, bins, 1, 1, generator=generator, dtype=torch.float64) for _ in range(2))
    z, v = z - z.mean(), v - v.mean()
    gradients = {}
    for temperature in (1.0, 100.0, 200.0):
        student = z.clone().requires_grad_()
        soft_target_loss(student, v, temperature).backward()
        gradients[temperature] = student.grad
    # Hinton et al., eq. 4: for high temperatures and centred logits, (z - v) / (N T²), here times T².
    torch.testing.assert_close(gradients[200.0], (z - v) / bins, rtol=0.05, atol=2e-4)
    torch.testing.assert_close(gradients[200.0], gradients[100.0], rtol=0.05, atol=2e-4)
    # At T = 1 it is the gradient of the cross-entropy.
    torch.testing.assert_close(gradients[1.0], z.softmax(1) - v.softmax(1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "no teacher"),
        ({"teacher": "no/such/run"}, "there is no such run"),
        ({"teacher": "gray", "alpha": 2.0}, "alpha is 2.0"),
        ({"teacher": "gray", "hint_stage": 0.5}, "without hints"),
    ],
)
def test_what_cannot_teach_is_said_in_one_sentence(
    student: Colorizer, options: dict[str, object], message: str
) -> None:
    with pytest.raises(BadInput, match=message) as refused:
        Distillation(student, LOSSES, **options)  # type: ignore[arg-type]
    assert "\n" not in str(refused.value)


def test_a_layer_that_is_not_there(run: Path, student: Colorizer) -> None:
    with pytest.raises(BadInput, match=r"no layer 'encoder\.stage\.1'"):
        Distillation(student, LOSSES, teacher=str(run), hints=[("encoder.stage.1", "encoder.stages.1")])


def test_a_run_without_weights(tmp_path: Path, student: Colorizer) -> None:
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(BadInput, match="does not describe a model"):
        Distillation(student, LOSSES, teacher=str(tmp_path))


def test_a_baseline_can_teach(student: Colorizer, batch: Batch) -> None:
    objective = Distillation(student, LOSSES, teacher="gray", alpha=1.0)
    assert torch.isfinite(objective.loss("colorizer", batch)[0])
