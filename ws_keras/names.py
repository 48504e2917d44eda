"""Names that fields of a config may have, known before Keras is imported."""

ACQUISITIONS = ("random", "margin", "entropy", "badge")
AUGMENTATIONS = ("none", "shift", "standard")
MEASURES = (
    "gradient_norm",
    "weight_correlation",
    "weight_norm",
    "output_entropy",
    "dormant_units",
    "effective_rank",
)
MODELS = ("resnet18", "mlp", "logistic")
OPTIMIZERS = ("sgd", "adam")
PENALTIES = ("none", "l2", "confidence", "adversarial")
PROTOCOLS = (
    "online",
    "active",
    "two_phase",
    "two_parts",
    "one_phase",
    "transfer",
)
SPLITS = ("held_out", "official_test")
