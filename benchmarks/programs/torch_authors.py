"""The authors' way: eager PyTorch and a loader that normalizes each image."""

import torch
from torch.nn import functional as F
from torch.utils import data

from benchmarks import work
from benchmarks.programs import torch_networks as networks


class Images(data.Dataset):
    """Normalizes one image after the other, as their transform does."""

    def __init__(self, x, y):
        self._x, self._y = x, y

    def __len__(self):
        return len(self._x)

    def __getitem__(self, index):
        image = torch.from_numpy(self._x[index]).permute(2, 0, 1)
        image = image.contiguous().float().div(255)
        return image.sub_(0.5).div_(0.5), int(self._y[index])


def main(turn, network, optimizer, weights, samples, train=True):
    """Trains (or evaluates) epoch after epoch, each one turn."""
    x, y = work.images(samples)
    fit, held_out = work.split(samples)
    model = networks.build(network, work.load_weights(weights), True)
    rule = networks.optimizer(optimizer, model)
    turn(num_params=networks.count(model))
    if not train:
        while True:
            turn(len(held_out), evaluate(model, x[held_out], y[held_out]))
    images, epoch = Images(x[fit], y[fit]), 0
    while True:
        epoch += 1
        order = work.order(epoch, len(fit)).tolist()
        turn(len(fit), train_epoch(model, rule, images, order))


def train_epoch(model, rule, images, order) -> float:
    """Trains one epoch in an order; returns the mean loss."""
    model.train()
    loader = data.DataLoader(images, work.BATCH_SIZE, sampler=order)
    total = right = 0
    for x, y in loader:
        rule.zero_grad()
        logits = model(x)
        loss = F.cross_entropy(logits, y)
        loss.backward()
        rule.step()
        total += loss.item() * len(x)
        right += (logits.argmax(1) == y).sum().item()
    return total / len(images)


def evaluate(model, x, y) -> float:
    """Returns the mean loss over samples."""
    model.eval()
    total = 0
    with torch.no_grad():
        for images, labels in data.DataLoader(Images(x, y), work.BATCH_SIZE):
            total += F.cross_entropy(model(images), labels).item() * len(images)
    return total / len(x)
