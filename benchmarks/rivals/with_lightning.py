"""(b) Lightning with torchmetrics, on the same Dataset; the network ``smp_unet`` makes it the usual three."""

from __future__ import annotations

import logging
import sys
import warnings
from typing import Any

import lightning
import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics.image import PeakSignalNoiseRatio, StructuralSimilarityIndexMeasure

from benchmarks.rivals.contestant import Pace
from benchmarks.rivals.plain import RATE, loader
from benchmarks.rivals.task import Case, colorizer, questions
from zoo.core.color import join_lab

PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}


class Module(lightning.LightningModule):
    """The network, its loss and its optimizer."""

    def __init__(self, case: Case):
        super().__init__()
        self.model = colorizer(case)

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        condition, ab = batch
        return F.l1_loss(self.model(condition)["ab"], ab)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.parameters(), lr=RATE)


class Paced(lightning.Callback):
    """Tells the pace of every step."""

    def __init__(self, pace: Pace):
        self.pace = pace

    def on_train_batch_end(self, trainer: lightning.Trainer, *_: Any) -> None:
        if not self.pace.step_done():
            sys.exit()  # should_stop would wait for the epoch's end


def train(case: Case, pace: Pace) -> None:
    warnings.filterwarnings("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    module = Module(case)
    pace.evaluate = lambda: scores(module, case)
    trainer = lightning.Trainer(
        max_epochs=-1,
        accelerator="gpu" if case.device.type == "cuda" else "cpu",
        devices=1,
        precision=PRECISIONS[case.precision],
        callbacks=[Paced(pace)],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, loader(case))


@torch.no_grad()
def scores(module: Module, case: Case) -> dict[str, float]:
    """Mean PSNR and SSIM of the validation photos by torchmetrics, photo by photo as everyone's."""
    module.eval()
    psnr = PeakSignalNoiseRatio(data_range=1.0, dim=(1, 2, 3), reduction="elementwise_mean").to(case.device)
    ssim = StructuralSimilarityIndexMeasure(data_range=1.0).to(case.device)
    for condition, lightness, rgb in questions(case):
        answer = join_lab(lightness, module.model(condition)["ab"]).mul(255).round() / 255
        psnr.update(answer, rgb / 255)
        ssim.update(answer, rgb / 255)
    module.train()
    return {"psnr": float(psnr.compute()), "ssim": float(ssim.compute())}
