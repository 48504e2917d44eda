"""Every field of an experiment once, with its unit and default.

The defaults are the choices of the authors' code; the other choices are named
beside them. A config file changes what its experiment needs.
"""

import ml_collections
from ml_collections import config_dict

from ws_keras import settings as all_settings

# A cold start needs no first phase.
ONE_PHASE = {"rounds.protocol": "one_phase", "rounds.fraction": 1.0}


def get_config() -> ml_collections.ConfigDict:
    """Returns the locked config that all experiments start from."""
    config = ml_collections.ConfigDict()
    config.experiment = "base"
    # "cold", "warm", "shrink_perturb-SHRINK-PERTURB" or another arm of
    # docs/methods.md, or one of your own; one run each.
    config.arms = ("cold", "warm", "shrink_perturb-0.4-0.1")
    config.seeds = (0, 1, 2, 3, 4)

    config.data = data = ml_collections.ConfigDict()
    # cifar10, cifar100, svhn_cropped, mnist, fashion_mnist, mnist_rgb (in the
    # shape of cifar10), textures (made on the fly, no download) or npz:PATH.
    data.name = "cifar10"
    # "half": pixels to [-1, 1], and floats that are no pixels as "channel";
    # "channel": mean 0, deviation 1 per channel or feature; "cifar10": by the
    # channel moments of CIFAR-10; "none": as stored; "auto": as "half".
    data.normalization = "half"
    # "held_out": a random third of the official training set is evaluated
    # on; "official_test": all of it is trained on.
    data.split = "held_out"
    # Share of the samples that "held_out" takes; None is the authors' third.
    data.held_out = config_dict.placeholder(float)
    # Samples to fit on, drawn at random; None takes all.
    data.samples = config_dict.placeholder(int)
    # "standard": crop, flip, color jitter and rotation of the replication;
    # "shift": by a sixteenth of the sides, where a flip changes the class.
    data.augmentation = "none"
    # Share of the first round's samples that have a wrong label, drawn from
    # the other classes. They keep it in later rounds.
    data.label_noise = 0.0
    # Data set of the first round, for the protocol "transfer".
    data.source = config_dict.placeholder(str)

    config.rounds = rounds = ml_collections.ConfigDict()
    # "online": `step` more samples in each round; "active": the same, chosen
    # by `acquisition`; "two_phase": `fraction` of the samples, then all;
    # "two_parts": `fraction` of the samples, then the others alone;
    # "one_phase": `fraction` of the samples, once; "transfer": the source,
    # then `fraction` of the samples.
    rounds.protocol = "online"
    rounds.step = 1000  # samples
    rounds.fraction = 0.5
    rounds.acquisition = "margin"  # margin, entropy, badge, random
    rounds.limit = config_dict.placeholder(int)  # rounds; None runs all

    config.model = model = ml_collections.ConfigDict()
    model.name = "resnet18"  # resnet18, mlp, logistic
    # "torch"; "kaiming": convolutions normal by fan-out; "keras".
    model.initializer = "torch"
    model.width = 16  # resnet18: channels of the first stage; 64 is usual
    model.blocks = (2, 2, 2, 2)  # resnet18: blocks of each stage
    model.norm = "batch"  # resnet18: batch, none, layer
    model.max_pool = False  # resnet18: after the first convolution
    # resnet18: batch norm over all replicas instead of each one's part of a
    # batch (TensorFlow; on JAX it is so anyway).
    model.synchronized = False
    # resnet18: Bessel's correction of batch norm's moving variance, as in the
    # authors' framework (TensorFlow).
    model.unbiased_variance = False
    model.depth = 2  # mlp: hidden layers
    model.units = 100  # mlp: width of a hidden layer
    model.activation = "relu"  # mlp: relu, tanh
    model.use_bias = True  # mlp, logistic

    config.optimizer = optimizer = ml_collections.ConfigDict()
    optimizer.name = "adam"  # adam, sgd
    optimizer.learning_rate = 0.001
    optimizer.momentum = 0.0  # sgd
    optimizer.epsilon = 1e-8  # adam; the authors' framework's, not Keras'
    # Part of a weight that is taken off at each step, times the learning
    # rate, beside the gradient; None is none. As a penalty: `penalty` "l2".
    optimizer.weight_decay = config_dict.placeholder(float)
    # Largest norm of the gradient of all weights together, which is scaled
    # down to it; None is no bound.
    optimizer.clip_norm = config_dict.placeholder(float)
    # Share of the most epochs of a round (`train.epochs`, or else
    # `train.max_epochs`) over which the learning rate rises linearly.
    optimizer.warm_up = 0.0

    # What later rounds have different from the first; None is the same.
    # `epochs`: so many, whatever the accuracy.
    config.second = second = ml_collections.ConfigDict()
    second.learning_rate = config_dict.placeholder(float)
    second.batch_size = config_dict.placeholder(int)
    second.epochs = config_dict.placeholder(int)

    config.penalty = penalty = ml_collections.ConfigDict()
    # "none"; "l2": weight / 2 times the sum of squares; "confidence": weight
    # times the entropy, taken off; "adversarial": half of the loss is that of
    # images changed by `weight` of the pixels' range along the sign of the
    # gradient.
    penalty.name = "none"
    penalty.weight = 0.0

    config.train = train = ml_collections.ConfigDict()
    train.batch_size = 128  # samples, over all replicas together
    train.threshold = 0.99  # training accuracy that ends a round
    # "epoch": accuracy during the epoch, before each update; "clean": by a
    # pass over the round's samples after it.
    train.measured = "epoch"
    # Epochs after the one that has reached the threshold.
    train.extra_epochs = 0
    # What `patience` is about: "accuracy" or "loss" of the training samples;
    # with "val_" of the held-out ones, after each epoch. `threshold` counts
    # for "accuracy" alone.
    train.monitor = "accuracy"
    # Epochs without an improvement of more than `min_delta` that end a
    # round; None waits for ever.
    train.patience = config_dict.placeholder(int)
    train.min_delta = 0.0
    # So many epochs in each round, whatever the accuracy; None uses the
    # rules above.
    train.epochs = config_dict.placeholder(int)
    train.max_epochs = 500  # per round; the authors have no cap
    # Likewise for the first round alone; None treats it as the others.
    train.first_epochs = config_dict.placeholder(int)
    # Steps between two looks of Python at the training; changes the speed
    # alone. None: 4 for resnet18, 32 for the networks whose steps are short,
    # 1 under several replicas.
    train.steps_per_execution = config_dict.placeholder(int)
    # Held-out samples to measure after each epoch, for the curves only.
    train.monitor_samples = 500
    # Epochs that a round needs as a rule; only for the estimate of --list.
    # None: by optimizer and arm, as in launch/costs.py.
    train.expected_epochs = ml_collections.ConfigDict(
        {
            "cold": config_dict.placeholder(int),
            "warm": config_dict.placeholder(int),
            "shrink_perturb": config_dict.placeholder(int),
        }
    )

    config.transform = transform = ml_collections.ConfigDict()
    # "fresh": noise is a new initialization; "gaussian": the paper's formula.
    transform.noise = "fresh"
    transform.first_round = True  # transform before the first round as well
    transform.norms = "mix"  # gamma and beta of shrink-perturb: mix, keep
    transform.statistics = "reset"  # batch-norm moments: reset, keep
    transform.optimizer = "reset"  # optimizer state: reset, keep
    # Shrink-perturb after each step of training as well (Fig. 12).
    transform.step_shrink = 1.0
    transform.step_perturb = 0.0

    # What is measured before each epoch and after each round, and never
    # changes the training.
    config.diagnostics = diagnostics = ml_collections.ConfigDict()
    # gradient_norm (of old and of new data), weight_correlation (with the
    # weights at the start of the round), weight_norm, output_entropy,
    # dormant_units, effective_rank.
    diagnostics.measures = ()
    diagnostics.samples = 2000  # the first ones of old and of new data
    # Factors; after each round a copy of the network is shrunk by each of
    # them, and its held-out accuracy and entropy are measured.
    diagnostics.shrunk = ()
    # After each round, held-out accuracy with batch norm by the moments of
    # each batch of 128, as the replication's Table 1 was measured.
    diagnostics.training_mode = False

    config.precision = "float32"  # float32, mixed_bfloat16
    # Deterministic TensorFlow operations, where they make a difference.
    config.deterministic = True
    return config.lock()


def get_replication_config() -> ml_collections.ConfigDict:
    """Returns what the replication's experiments share.

    All of the training set, measured on the test set; CIFAR-10's channel
    moments for all data sets; the usual width, a max-pool behind the stem and
    convolutions that start normal; batch norm's moments go on.
    """
    config = get_config()
    config.data.normalization = "cifar10"
    config.data.split = "official_test"
    config.model.width = 64
    config.model.max_pool = True
    config.model.initializer = "kaiming"
    config.transform.statistics = "keep"
    return config


def settings(config) -> list[all_settings.Setting]:
    """Returns one setting for each arm and seed."""
    return all_settings.product(config)
