"""Two processes that train together come to what one does with the same batches."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch
import torch.distributed as dist
import torch.nn.functional as F

from zoo.core.contracts import Batch
from zoo.core.errors import BadInput
from zoo.harness.results.store import RunFolder, run_folders
from zoo.harness.run.bench import bench
from zoo.harness.run.request import BenchRequest
from zoo.harness.training.together import SharedBatchNorm, share

SCRIPT = """
import json, sys
from functools import partial
import torch, torch.distributed as dist
from zoo.core.assemble import make_objective
from zoo.core.contracts import Batch
from zoo.core.registry import current
from zoo.core.resolve import build
from zoo.harness.training.budget import Budget
from zoo.harness.training.loop import Training
from zoo.harness.training.together import Together

store, rank, cases = sys.argv[1], int(sys.argv[2]), [case.split("/") for case in sys.argv[3:]]
STEPS = 10

class Stream:
    def forever(self):
        generator = torch.Generator().manual_seed(1)
        while True:
            draw = lambda *shape: torch.rand(shape, generator=generator, dtype=torch.float64) - 0.5
            yield Batch(draw(4, 1, 32, 32), draw(4, 2, 32, 32), draw(4, 2, 32, 32), draw(4, 1, 32, 32).round().abs())
    def state_dict(self): return {}
    def load_state_dict(self, state): pass

def trained(kind, model, recipe):
    torch.manual_seed(rank)  # whatever weights the others begin with, the first one's count
    colorizer = build(model, width=4).double()
    objective, _ = make_objective(current().recipe(recipe), colorizer, "cpu")
    if isinstance(objective, torch.nn.Module): objective.double()
    given = colorizer, objective, Stream(), current().recipe(recipe), Budget(steps=STEPS)
    training = kind(*given, device=torch.device("cpu"))
    training.begin()
    logs = [look.log for look in training.looks() if look.log]
    state = training.checkpoint()
    if rank > 0:
        assert state == {}, "only the first one writes"
    sums = {name: float(value.double().sum()) for name, value in colorizer.state_dict().items()}
    return {"loss": logs[-1], "photos": training.photos, "sums": sums, "others": len(state.get("ranks", []))}

alone = [trained(Training, *case) for case in cases if rank == 0]
dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
together = [trained(partial(Together, seed=0), *case) for case in cases]
if rank == 0:
    print(json.dumps([alone, together]))
"""

CASES = ["unet/default", "unet/conditional_gan"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> dict[str, tuple[dict, dict]]:
    """Each case, trained by one process and by two together; two processes for all of it, since their starts cost."""
    folder = tmp_path_factory.mktemp("together")
    script = folder / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(folder / "store")]
    started = [subprocess.Popen([*command, str(rank), *CASES], stdout=subprocess.PIPE) for rank in range(2)]
    try:
        told, _ = started[0].communicate()
        assert started[0].returncode == 0
        assert started[1].wait() == 0
    finally:
        for process in started:
            process.kill()  # one alone would wait for the other
    return dict(zip(CASES, zip(*json.loads(told), strict=True), strict=True))


@pytest.mark.slow(seconds=20)
@pytest.mark.parametrize("case", CASES)
def test_in_double_precision_nothing_but_the_order_of_sums_differs(trained, case):
    """Batch normalisation with two values a channel included, and two players over one forward pass."""
    one, two = trained[case]
    for said in (one["loss"], two["loss"]):
        said.pop("seconds")
    judged = case.endswith("conditional_gan")  # what a discriminator says is single precision
    assert two["loss"] == pytest.approx(one["loss"], abs=1e-6 if judged else 1e-9)
    assert two["sums"] == pytest.approx(one["sums"], rel=1e-5 if judged else 1e-9, abs=1e-5 if judged else 1e-9)
    assert two["photos"] == one["photos"] == 40
    assert (one["others"], two["others"]) == (0, 1)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_shared_batch_normalisation_of_one_process_is_torchs(tmp_path, dtype):
    dist.init_process_group("gloo", init_method=f"file://{tmp_path / 'store'}", rank=0, world_size=1)
    try:
        found = []
        for shared in (False, True):
            torch.manual_seed(0)
            norm = torch.nn.BatchNorm2d(3).to(dtype)
            torch.nn.init.normal_(norm.weight)
            x = (torch.randn(4, 3, 5, 5, dtype=dtype) * 3 + 1).requires_grad_()
            if shared:
                with SharedBatchNorm():
                    y = norm(x)
            else:
                y = norm(x)
            (y**3).sum().backward()
            found.append((y, x.grad, norm.weight.grad, norm.running_mean, norm.running_var))
            with SharedBatchNorm():
                torch.testing.assert_close(norm.eval()(x), F.batch_norm(x, *found[-1][3:], norm.weight, norm.bias))
    finally:
        dist.destroy_process_group()
    tolerance = {} if dtype == torch.float64 else {"rtol": 1e-4, "atol": 1e-4}
    for ours, torchs in zip(*found, strict=True):
        torch.testing.assert_close(ours, torchs, **tolerance)


def test_shares_are_the_batch_in_order_and_an_uneven_batch_is_refused():
    numbers = torch.arange(4.0).view(4, 1, 1, 1)
    batch = Batch(numbers, numbers.expand(4, 2, 1, 1), numbers.expand(4, 2, 1, 1), numbers, {"labels": torch.arange(4)})
    shares = [share(batch, rank, 2) for rank in range(2)]
    torch.testing.assert_close(torch.cat([each.condition for each in shares]), batch.condition)
    assert [each.extras["labels"].tolist() for each in shares] == [[0, 1], [2, 3]]
    with pytest.raises(BadInput, match="A batch of 4 photos cannot be shared out to 3 devices"):
        share(batch, 0, 3)


@pytest.mark.slow(seconds=60)
def test_torchrun_trains_one_run_on_two_processes_and_the_record_says_so(tmp_path):
    """The loss curve is that of one process, to 1e-4."""
    asked = ["unet,gray", "--suite", "smoke", "--budget", "steps=20", "--set", "depth=2"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "-m", "zoo", "train"]
    done = subprocess.run(
        [*torchrun, *asked, "--out", str(tmp_path / "two")], capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr
    bench(
        BenchRequest(models="unet,gray", suite="smoke", budget="steps=20", options={"depth": 2}, out=tmp_path / "one")
    )
    found = {}
    for name in ("one", "two"):
        runs = {run.path.parent.name: run for run in run_folders(tmp_path / name)}
        found[name] = runs["unet"].record(), curve(runs["unet"]), runs["gray"].record()
    (one, alone, _), (two, together, gray) = found["one"], found["two"]
    assert len(alone) == 2
    assert together == pytest.approx(alone, abs=1e-4)
    assert one.key == two.key
    assert (two.provenance.world_size, two.provenance.backend) == (2, "gloo")
    assert two.provenance.device == f"2 × {one.provenance.device}"
    assert not one.provenance.world_size
    assert gray.ok
    assert two.costs["train_img_s"] > 0


def curve(run: RunFolder) -> list[float]:
    return [entry.loss for entry in run.logged() if entry.loss is not None]
