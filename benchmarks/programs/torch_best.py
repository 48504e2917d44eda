"""The best PyTorch that we can make: all in memory, no waiting, fused."""

import contextlib

import torch
from torch.nn import functional as F

from benchmarks import work
from benchmarks.programs import torch_networks as networks


def main(
    turn,
    network,
    optimizer,
    weights,
    samples,
    train=True,
    compiled=False,
    bfloat16=False,
    stored="uint8",
):
    """Trains (or evaluates) epoch after epoch, each one turn."""
    x, y = (torch.from_numpy(array) for array in work.images(samples))
    fit, held_out = map(torch.from_numpy, work.split(samples))
    if stored == "float32":
        x = _normalized(x)
    model = networks.build(network, work.load_weights(weights), False)
    if network == "resnet18":
        model = model.to(memory_format=torch.channels_last)
    rule = networks.optimizer(optimizer, model, fused=True)
    y = y.long()
    step = _Step(model, rule, network == "resnet18", bfloat16, compiled)
    if not train:
        turn(num_params=networks.count(model))
        while True:
            turn(len(held_out), step.evaluate(x, y, held_out))
    if compiled:
        _compile(step, x, y)
    turn(num_params=networks.count(model))
    epoch = 0
    while True:
        epoch += 1
        order = torch.from_numpy(work.order(epoch, len(fit)))
        turn(len(fit), step.epoch(x, y, fit[order]))


def _normalized(x):
    return x.float() / 127.5 - 1


class _Step:
    def __init__(self, model, rule, images, bfloat16, compiled):
        self.model, self.rule = model, rule
        self._images, self._bfloat16 = images, bfloat16
        self.loss = torch.compile(self._loss) if compiled else self._loss

    def _loss(self, x, y):
        if x.dtype == torch.uint8:
            x = _normalized(x)
        if self._images:
            # Memory of (batch, height, width, channels) is channels-last.
            x = x.permute(0, 3, 1, 2)
        with self._autocast():
            return F.cross_entropy(self.model(x), y)

    def _autocast(self):
        if not self._bfloat16:
            return contextlib.nullcontext()
        return torch.autocast("cpu", torch.bfloat16)

    def epoch(self, x, y, indices) -> float:
        self.model.train()
        losses = []
        for chosen in indices.split(work.BATCH_SIZE):
            loss = self.loss(x[chosen], y[chosen])
            self.rule.zero_grad(set_to_none=True)
            loss.backward()
            self.rule.step()
            losses.append(loss.detach())
        return torch.stack(losses).mean().item()

    def evaluate(self, x, y, indices) -> float:
        self.model.eval()
        total = 0
        with torch.inference_mode():
            for chosen in indices.split(500):
                total += self.loss(x[chosen], y[chosen]) * len(chosen)
        return (total / len(indices)).item()


def _compile(step, x, y) -> None:
    """Compiles forward and backward by one step that leaves no mark."""
    state = {k: v.clone() for k, v in step.model.state_dict().items()}
    step.model.train()
    step.loss(x[: work.BATCH_SIZE], y[: work.BATCH_SIZE]).backward()
    step.rule.zero_grad(set_to_none=True)
    step.model.load_state_dict(state)
