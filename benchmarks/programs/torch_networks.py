"""The networks of the package in plain PyTorch.

Layers have the names that they have in the Keras models.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from benchmarks import work


class _Block(nn.Module):
    def __init__(self, before: int, channels: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(before, channels, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.has_bridge = stride != 1 or before != channels
        if self.has_bridge:
            self.shortcut_conv = nn.Conv2d(
                before, channels, 1, stride, bias=False
            )
            self.shortcut_norm = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = F.relu(self.norm1(self.conv1(x)))
        y = self.norm2(self.conv2(y))
        if self.has_bridge:
            x = self.shortcut_norm(self.shortcut_conv(x))
        return F.relu(y + x)


class ResNet18(nn.Module):
    """Narrow ResNet-18 of images `(batch, 3, height, width)`."""

    def __init__(self, width: int = 16):
        super().__init__()
        self.stem_conv = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        self.stem_norm = nn.BatchNorm2d(width)
        self.blocks, before = [], width
        for stage in range(4):
            for block in range(2):
                channels = width * 2**stage
                stride = 2 if stage and not block else 1
                name = f"stage{stage + 1}_block{block + 1}"
                self.blocks.append(name)
                setattr(self, name, _Block(before, channels, stride))
                before = channels
        self.logits = nn.Linear(before, work.NUM_CLASSES)

    def forward(self, x):
        x = F.relu(self.stem_norm(self.stem_conv(x)))
        for name in self.blocks:
            x = getattr(self, name)(x)
        return self.logits(x.mean((2, 3)))


class Mlp(nn.Module):
    """Multilayer perceptron of flat samples; logistic regression at 0."""

    def __init__(self, depth: int = 2, units: int = 100):
        super().__init__()
        before, self.depth = int(np.prod(work.SHAPE)), depth
        for i in range(depth):
            setattr(self, f"hidden{i + 1}", nn.Linear(before, units))
            before = units
        self.logits = nn.Linear(before, work.NUM_CLASSES)

    def forward(self, x):
        x = x.flatten(1)
        for i in range(self.depth):
            x = F.relu(getattr(self, f"hidden{i + 1}")(x))
        return self.logits(x)


def build(name: str, weights: dict, channels_first: bool) -> nn.Module:
    """Returns a network with the weights of the Keras model.

    Args:
        name: `"resnet18"`, `"mlp"` or `"logistic"`.
        weights: Arrays by their paths in the Keras model.
        channels_first: Whether a flattened image has its channels first.
    """
    network = {
        "resnet18": ResNet18,
        "mlp": Mlp,
        "logistic": lambda: Mlp(depth=0),
    }[name]()
    theirs = dict(network.named_parameters()) | dict(network.named_buffers())
    for path, array in weights.items():
        layer, kind = path.rsplit("/", 1)
        if array.ndim == 4:
            array = array.transpose(3, 2, 0, 1)
        elif array.ndim == 2:
            if len(array) == np.prod(work.SHAPE) and channels_first:
                array = array.reshape(*work.SHAPE, -1).transpose(2, 0, 1, 3)
                array = array.reshape(-1, array.shape[-1])
            array = array.T
        name = layer.replace("_conv", ".conv").replace("_norm", ".norm")
        name = name.replace("_shortcut.", ".shortcut_")
        name = name.replace("stem.", "stem_")
        with torch.no_grad():
            theirs[f"{name}.{_KINDS[kind]}"].copy_(
                torch.from_numpy(np.ascontiguousarray(array))
            )
    return network


_KINDS = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


def count(network: nn.Module) -> int:
    """Returns the number of trainable weights."""
    return sum(p.numel() for p in network.parameters())


def optimizer(name: str, network: nn.Module, **how) -> torch.optim.Optimizer:
    """Returns the optimizer of the experiments."""
    if name == "adam":
        return torch.optim.Adam(
            network.parameters(), work.LEARNING_RATE, eps=work.EPSILON, **how
        )
    return torch.optim.SGD(network.parameters(), work.LEARNING_RATE, **how)
