"""Imported once by the server that runs are forked from. It must start no thread and touch no GPU."""

import importlib
import importlib.util

for _name in ("torch", "timm", "segmentation_models_pytorch", "lpips", "pytorch_msssim", "PIL.Image"):
    if importlib.util.find_spec(_name.partition(".")[0]):
        importlib.import_module(_name)
