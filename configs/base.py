"""All fields of an experiment, each with its default, unit and valid values.

The defaults are the choices of the authors' code. A config file changes what
its experiment needs. `docs/config_fields.py` makes the page of all fields from
the comments here: the comment above a field says what it means, and its part
from "Valid:" on lists the valid values.
"""

import ml_collections
from ml_collections import config_dict

from ws_keras import settings as all_settings

# A cold start needs no first phase.
ONE_PHASE = {"rounds.protocol": "one_phase", "rounds.fraction": 1.0}


def get_config() -> ml_collections.ConfigDict:
    """Returns the locked config that all experiments start from."""
    config = ml_collections.ConfigDict()
    # Name of the experiment. It begins the ids of all settings.
    # Valid: any name.
    config.experiment = "base"
    # Arms to run: how each round begins.
    # Valid: text forms of arms, such as "cold", "warm", "fire" and
    # "shrink_perturb-SHRINK-PERTURB"; also those of registered arms.
    config.arms = ("cold", "warm", "shrink_perturb-0.4-0.1")
    # Seeds to run. Each arm runs once with each seed.
    # Valid: whole numbers from 0.
    config.seeds = (0, 1, 2, 3, 4)

    # Data: which samples are used, and what is done to them.
    config.data = data = ml_collections.ConfigDict()
    # Data set. "mnist_rgb" is MNIST in the shape of CIFAR-10. "textures" is
    # generated and needs no download.
    # Valid: "cifar10", "cifar100", "svhn_cropped", "mnist", "fashion_mnist",
    # "mnist_rgb", "textures", "npz:PATH", or the name of a registered data
    # set.
    data.name = "cifar10"
    # How samples are scaled.
    # Valid: "half" (pixels to [-1, 1]; floats that are not pixels as
    # "channel"), "channel" (mean 0 and deviation 1 for each channel or
    # feature), "cifar10" (with the channel moments of CIFAR-10), "none" (as
    # stored), "auto" (as "half").
    data.normalization = "half"
    # Which samples are held out.
    # Valid: "held_out" (a random part of the training set), "official_test"
    # (the test set; the whole training set is trained on).
    data.split = "held_out"
    # Share of the samples that the split "held_out" takes.
    # Valid: between 0 and 1; `None` is a third, as in the authors' code.
    data.held_out = config_dict.placeholder(float)
    # Number of samples to train on, drawn at random.
    # Valid: whole numbers from 1; `None` takes all.
    data.samples = config_dict.placeholder(int)
    # Random changes of the training images.
    # Valid: "none", "standard" (crop, flip, color jitter and rotation, as in
    # the replication), "shift" (by up to a sixteenth of each side, for images
    # whose class a flip changes).
    data.augmentation = "none"
    # Share of the first round's samples that get a wrong label, which is
    # drawn from the other classes. They keep it in later rounds.
    # Valid: 0 to 1.
    data.label_noise = 0.0
    # Data set of the first round of the protocol "transfer".
    # Valid: as `data.name`; `None` for all other protocols.
    data.source = config_dict.placeholder(str)

    # Rounds: which samples arrive in each round.
    config.rounds = rounds = ml_collections.ConfigDict()
    # How the samples arrive.
    # Valid: "online" (`rounds.step` more samples in each round), "active" (the
    # same, but `rounds.acquisition` chooses the samples), "two_phase"
    # (`rounds.fraction` of the samples, then all), "two_parts"
    # (`rounds.fraction` of the samples, then only the others), "one_phase"
    # (`rounds.fraction` of the samples, in a single round), "transfer" (the
    # data set `data.source`, then `rounds.fraction` of the samples).
    rounds.protocol = "online"
    # Number of samples that arrive in each round.
    # Valid: whole numbers from 1.
    rounds.step = 1000
    # Share of the samples that the protocol uses, see `rounds.protocol`.
    # Valid: above 0, up to 1.
    rounds.fraction = 0.5
    # How active learning chooses the samples of a round.
    # Valid: "margin", "entropy", "badge", "random".
    rounds.acquisition = "margin"
    # Largest number of rounds to run.
    # Valid: whole numbers from 1; `None` runs all.
    rounds.limit = config_dict.placeholder(int)

    # Network: a field whose meaning begins with the name of a network applies
    # only to that network.
    config.model = model = ml_collections.ConfigDict()
    # Network. "logistic" is an MLP without hidden layers.
    # Valid: "resnet18", "mlp", "logistic", or "my_module:build" for your own
    # function.
    model.name = "resnet18"
    # Initial weights.
    # Valid: "torch" (as PyTorch draws them, and the authors' code),
    # "kaiming" (convolutions from a normal distribution scaled by fan-out),
    # "keras" (the defaults of Keras).
    model.initializer = "torch"
    # ResNet-18: channels of the first stage. The usual width is 64.
    # Valid: whole numbers from 1.
    model.width = 16
    # ResNet-18: number of residual blocks in each stage.
    # Valid: whole numbers from 1, one for each stage.
    model.blocks = (2, 2, 2, 2)
    # ResNet-18: normalization layers.
    # Valid: "batch", "layer", "none".
    model.norm = "batch"
    # ResNet-18: whether a max-pool follows the first convolution.
    # Valid: `True`, `False`.
    model.max_pool = False
    # ResNet-18: whether batch norm uses the samples of all replicas, not only
    # of its own (TensorFlow; JAX always uses all).
    # Valid: `True`, `False`.
    model.synchronized = False
    # ResNet-18: whether batch norm's moving variance has Bessel's correction,
    # as in PyTorch (TensorFlow only).
    # Valid: `True`, `False`.
    model.unbiased_variance = False
    # MLP: number of hidden layers.
    # Valid: whole numbers from 0.
    model.depth = 2
    # MLP: number of units in each hidden layer.
    # Valid: whole numbers from 1.
    model.units = 100
    # MLP: activation of the hidden layers.
    # Valid: "relu", "tanh".
    model.activation = "relu"
    # MLP and logistic regression: whether layers have biases.
    # Valid: `True`, `False`.
    model.use_bias = True

    # Optimizer.
    config.optimizer = optimizer = ml_collections.ConfigDict()
    # Optimizer. Your own gets the learning rate, and the weight decay if it
    # is set.
    # Valid: "adam", "sgd", or "my_module:function", such as
    # "keras.optimizers:AdamW".
    optimizer.name = "adam"
    # Learning rate of the first round, and of later ones unless
    # `second.learning_rate` is set.
    # Valid: above 0.
    optimizer.learning_rate = 0.001
    # SGD: momentum.
    # Valid: 0 to 1.
    optimizer.momentum = 0.0
    # Adam: the small constant in the denominator. The default is that of
    # PyTorch, not that of Keras.
    # Valid: above 0.
    optimizer.epsilon = 1e-8
    # Decoupled weight decay: each step takes this share of a weight, times
    # the learning rate, off the weight. For a penalty on weights in the loss,
    # use `penalty.name` "l2" instead.
    # Valid: 0 or more; `None` is no decay.
    optimizer.weight_decay = config_dict.placeholder(float)
    # Largest norm of the gradient of all weights together. A larger gradient
    # is scaled down to it.
    # Valid: above 0; `None` is no limit.
    optimizer.clip_norm = config_dict.placeholder(float)
    # Share of a round over which the learning rate rises linearly. A round
    # counts as `train.epochs`, or else as `train.max_epochs`.
    # Valid: 0 to 1.
    optimizer.warm_up = 0.0

    # Later rounds: what is different there from the first round.
    config.second = second = ml_collections.ConfigDict()
    # Learning rate of later rounds.
    # Valid: above 0; `None` is the same as in the first round.
    second.learning_rate = config_dict.placeholder(float)
    # Batch size of later rounds, in samples.
    # Valid: whole numbers from 1; `None` is the same as in the first round.
    second.batch_size = config_dict.placeholder(int)
    # Number of epochs of each later round, whatever its accuracy.
    # Valid: whole numbers from 1; `None` uses the rules of `train`.
    second.epochs = config_dict.placeholder(int)

    # Penalty: a term of the loss.
    config.penalty = penalty = ml_collections.ConfigDict()
    # Kind of penalty.
    # Valid: "none", "l2" (half of `penalty.weight` times the sum of squared
    # weights), "confidence" (minus `penalty.weight` times the entropy of the
    # outputs), "adversarial" (half of the loss is that of images which are
    # changed by `penalty.weight`, as a share of the range of pixels, along
    # the sign of the gradient).
    penalty.name = "none"
    # Strength of the penalty.
    # Valid: 0 or more.
    penalty.weight = 0.0

    # Training: batches, and when a round ends.
    config.train = train = ml_collections.ConfigDict()
    # Batch size in samples, over all replicas together.
    # Valid: whole numbers from 1.
    train.batch_size = 128
    # Training accuracy that ends a round. It applies only if `train.monitor`
    # is "accuracy".
    # Valid: above 0, up to 1.
    train.threshold = 0.99
    # How training accuracy is measured.
    # Valid: "epoch" (during the epoch, before each update), "clean" (in a
    # separate pass over the samples of the round after each epoch).
    train.measured = "epoch"
    # Number of epochs to train after the threshold is reached.
    # Valid: whole numbers from 0.
    train.extra_epochs = 0
    # Value that `train.patience` watches after each epoch.
    # Valid: "accuracy" and "loss" (of the training samples), "val_accuracy"
    # and "val_loss" (of the held-out samples).
    train.monitor = "accuracy"
    # Number of epochs without an improvement that end a round.
    # Valid: whole numbers from 1; `None` waits without limit.
    train.patience = config_dict.placeholder(int)
    # Smallest change that counts as an improvement.
    # Valid: 0 or more.
    train.min_delta = 0.0
    # Number of epochs of each round, whatever its accuracy.
    # Valid: whole numbers from 1; `None` uses the rules above.
    train.epochs = config_dict.placeholder(int)
    # Largest number of epochs of a round. The authors' code has no limit.
    # Valid: whole numbers from 1.
    train.max_epochs = 500
    # Number of epochs of the first round, whatever its accuracy.
    # Valid: whole numbers from 1; `None` treats it as the other rounds.
    train.first_epochs = config_dict.placeholder(int)
    # Number of training steps between two calls of Python code. It changes
    # only the speed.
    # Valid: whole numbers from 1; `None` is 4 for "resnet18", 32 for networks
    # with short steps, and 1 with several replicas.
    train.steps_per_execution = config_dict.placeholder(int)
    # Number of held-out samples to measure after each epoch, for the curves
    # only.
    # Valid: whole numbers from 0.
    train.monitor_samples = 500
    # Number of epochs that a round of each kind of arm usually needs. It is
    # used only for the estimate of `--list`.
    # Valid: whole numbers from 1; `None` chooses by optimizer and arm.
    train.expected_epochs = ml_collections.ConfigDict(
        {
            "cold": config_dict.placeholder(int),
            "warm": config_dict.placeholder(int),
            "shrink_perturb": config_dict.placeholder(int),
        }
    )

    # Transform: how an arm changes the network before a round.
    config.transform = transform = ml_collections.ConfigDict()
    # Noise of shrink-perturb.
    # Valid: "fresh" (a new initialization), "gaussian" (the paper's formula).
    transform.noise = "fresh"
    # Whether the arm also acts before the first round.
    # Valid: `True`, `False`.
    transform.first_round = True
    # What shrink-perturb does to gamma and beta of normalization layers.
    # Valid: "mix" (the same as to all other weights), "keep".
    transform.norms = "mix"
    # Batch norm's moving moments at the start of a round.
    # Valid: "reset", "keep".
    transform.statistics = "reset"
    # The optimizer's state at the start of a round.
    # Valid: "reset", "keep".
    transform.optimizer = "reset"
    # Factor of the weights in a shrink-perturb after each training step
    # (Figure 12). 1 does not shrink.
    # Valid: 0 to 1.
    transform.step_shrink = 1.0
    # Factor of the noise in a shrink-perturb after each training step.
    # Valid: 0 or more.
    transform.step_perturb = 0.0

    # Diagnostics: measured before each epoch and after each round. They do
    # not change the training.
    config.diagnostics = diagnostics = ml_collections.ConfigDict()
    # What is measured. "gradient_norm" is measured on old and on new data.
    # "weight_correlation" is with the weights at the start of the round.
    # Valid: any of "gradient_norm", "weight_correlation", "weight_norm",
    # "output_entropy", "dormant_units", "effective_rank".
    diagnostics.measures = ()
    # Number of samples to measure on: the first ones of the old data, and of
    # the new data.
    # Valid: whole numbers from 1.
    diagnostics.samples = 2000
    # Factors. After each round, a copy of the network is shrunk by each
    # factor. Its batch-norm moments are measured anew, and its held-out
    # accuracy and entropy are measured.
    # Valid: numbers from 0 to 1.
    diagnostics.shrunk = ()
    # Whether to also measure held-out accuracy after each round with the
    # moments of each batch of 128, as in the replication's Table 1.
    # Valid: `True`, `False`.
    diagnostics.training_mode = False

    # Precision of the computations.
    # Valid: "float32", "mixed_bfloat16".
    config.precision = "float32"
    # Whether TensorFlow uses deterministic operations.
    # Valid: `True`, `False`.
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
