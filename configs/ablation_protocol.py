r"""Which choice of the protocol moves Table 1's numbers?

Claim: none of the choices that the paper leaves open changes a cold start by
more than a point. Then the number of training images explains the level of
Table 1's ResNet-18 with Adam (75.7 % here after a cold start, 78.0 % in the
paper).

Protocol: CIFAR-10, ResNet-18 of width 16, Adam 0.001, batch 128, half and then
all of 6,000 images; cold, warm, shrink-perturb 0.4/0.1; three seeds. Each
setting changes one choice of Table 1:

    threshold-0.98, -0.999  training accuracy that ends a round, in place of
                            0.99
    clean                   training accuracy measured in a pass after the
                            epoch, in place of that counted during the epoch
    no_first_transform      shrink-perturb does not change the first
                            initialization
    epsilon-1e-7            Adam's epsilon, in place of 1e-8: Keras' default
    epsilon-3e-10           Adam's epsilon. The authors' framework adds 1e-8
                            after the bias correction, which equals 3e-10 to
                            1e-8 before it
    unbiased_variance       batch norm's moving variance with Bessel's
                            correction
    split-40000             a fifth is held out, in place of a third, and so
                            7,200 images are fitted in place of 6,000

    ws-run --config=ablation_protocol --workdir=runs/ablation

Cost: about 4 million sample passes for one seed of all choices. For the full
size add --config.data.samples=33333 --settings='CHOICE/(cold|warm)'.
"""

from ws_keras.configs import base
from ws_keras.configs import table1_two_phase as table1

from ws_keras import settings as all_settings
from ws_keras.report import ablation
from ws_keras.report import view

# The fields that differ from Table 1, by the name of the choice.
CHOICES = {
    "threshold-0.98": {"train.threshold": 0.98},
    "threshold-0.999": {"train.threshold": 0.999},
    "clean": {"train.measured": "clean"},
    "epsilon-1e-7": {"optimizer.epsilon": 1e-7},
    "epsilon-3e-10": {"optimizer.epsilon": 3e-10},
    "unbiased_variance": {"model.unbiased_variance": True},
    "split-40000": {"data.held_out": 0.2},
}
# What cold and warm starts do not know.
OF_SHRINKING = {"no_first_transform": {"transform.first_round": False}}
_MORE = 6 / 5  # 40,000 of 33,333 images
_FEW = 10_000  # images, up to which the usual epochs are measured


def get_config():
    """Returns the config of this experiment."""
    config = base.get_config()
    config.experiment = "ablation_protocol"
    config.arms = ("cold", "warm", "shrink_perturb-0.4-0.1")
    config.seeds = (0, 1, 2)
    config.data.samples = 6000
    config.rounds.protocol = "two_phase"
    config.diagnostics.shrunk = (1.0,)
    return config


def settings(config):
    """Returns Table 1's protocol and each choice, for each arm and seed."""
    choices = {name: dict(fields) for name, fields in CHOICES.items()}
    if config.data.samples is not None:
        more = round(_MORE * config.data.samples)
        choices["split-40000"]["data.samples"] = more
    fixed = {}
    if config.data.samples is None or config.data.samples > _FEW:
        cold, warm = table1.EPOCHS["resnet18", "adam"]
        fixed = {
            "train.expected_epochs.cold": cold,
            "train.expected_epochs.warm": warm,
        }
    shrinking = [arm for arm in config.arms if arm.startswith("shrink")]
    found = all_settings.product(config, fixed=fixed)
    found += all_settings.product(config, {"choice": choices}, fixed=fixed)
    if shrinking:
        grid = {"choice": OF_SHRINKING}
        found += all_settings.product(config, grid, shrinking, fixed=fixed)
    return found


VIEW = view.View(
    claims=(ablation.alike("choice"),),
    folds=(ablation.fold("choice"),),
    note="Each choice is compared with Table 1's protocol of the same seed.",
)
