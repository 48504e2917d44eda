"""Appendix, Figure 12: shrink-perturb after every step, data do not grow.

Claim: repeated at every step, shrink-perturb is a mild regularizer, like a
strong and noisy L2 penalty: with a shrink just below 1 the test accuracy is
not below that of plain training.

Protocol: CIFAR-10, ResNet-18 of width 16, SGD 0.001, batch 128, all the data at
once, 99 % training accuracy (data and model are not stated). The comparison is
decoupled weight decay of the same strength: at the learning rate 0.001, a decay
of 0.1 shrinks a weight in each step as much as a shrink of 0.9999.

    ws-run --config=appendix_fig12_every_step --workdir=runs/fig12

Cost: about 5 million sample passes for each setting and seed. The transform
adds some tenths of a second to each step.
"""

from ws_keras.configs import base

from ws_keras import settings as all_settings
from ws_keras.report import claims
from ws_keras.report import view


def get_config():
    """Returns the config of this experiment."""
    config = base.get_config()
    config.experiment = "appendix_fig12_every_step"
    config.arms = ("cold",)
    config.rounds.protocol = "one_phase"
    config.rounds.fraction = 1.0
    config.optimizer.name = "sgd"
    config.train.max_epochs = 1000
    return config


def _every_step(shrink, perturb):
    return {
        "transform.step_shrink": shrink,
        "transform.step_perturb": perturb,
    }


STRENGTHS = {
    "none": {},
    "0.99999-0": _every_step(0.99999, 0.0),
    "0.9999-0": _every_step(0.9999, 0.0),
    "0.9999-1e-5": _every_step(0.9999, 1e-5),
    "0.9999-1e-4": _every_step(0.9999, 1e-4),
    "0.999-1e-4": _every_step(0.999, 1e-4),
}


def settings(config):
    """Returns the strengths, and weight decay, for each seed."""
    decays = {"optimizer.weight_decay": (0.01, 0.1, 1.0)}
    return [
        *all_settings.product(config, {"every_step": STRENGTHS}),
        *all_settings.product(config, decays),
    ]


_SAME = 1e-9  # no lower is no difference, too


def _not_below(run):
    arms = [arm for arm in run.settled() if "every_step" in arm.labels]
    plain = [arm for arm in arms if arm.labels["every_step"] == "none"]
    for arm in arms:
        if plain and arm is not plain[0]:
            claim = f"{arm.cell.variant} ends no lower than without"
            ends = arm.final(), plain[0].final()
            yield claims.above(claim, *ends, -_SAME)


VIEW = view.View(claims=(_not_below,))
