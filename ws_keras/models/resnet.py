"""ResNet-18 for small images, in the form of the authors' code."""

import keras
from keras import layers

from ws_keras.models import batch_norm
from ws_keras.models import class_mask
from ws_keras.models import initializers
from ws_keras.models import inputs as model_inputs

NORMS = ("batch", "none", "layer")
# The authors' framework uses epsilon 1e-5 and a momentum of 0.1 for the new
# value, which is 0.9 for the old value in Keras' convention.
EPSILON = 1e-5
MOMENTUM = 0.9


def resnet18(
    input_shape=(32, 32, 3),
    num_classes=10,
    width=16,
    norm="batch",
    blocks=(2, 2, 2, 2),
    initializer="torch",
    normalization="half",
    moments=None,
    input_dtype="uint8",
    dtype="float32",
    synchronized=False,
    max_pool=False,
    augmentation="none",
    masked=False,
    unbiased_variance=False,
) -> keras.Model:
    """Builds the residual network of the paper.

    The network consists of a 3x3 stem of `width` channels, stages of `width`,
    2, 4 and 8 times `width` channels, global average pooling and a linear
    layer. Each stage except the first halves the image. Convolutions have no
    bias. A 1x1 convolution bridges each block that changes the shape.

    Each build starts with the same weights; use `cold_start(model)` to draw
    others.

    Example:

    >>> resnet18().count_params() - 2 * 1200  # without moving statistics
    701466

    Args:
        input_shape: `(height, width, channels)`. Defaults to `(32, 32, 3)`.
        num_classes: Number of logits. Defaults to 10.
        width: Channels of the first stage. The authors' code uses 16, the usual
            network 64. Defaults to 16.
        norm: `"batch"`, `"layer"` (over height, width and channels of a
            sample) or `"none"`. Defaults to `"batch"`.
        blocks: Blocks per stage. Defaults to `(2, 2, 2, 2)`.
        initializer: `"torch"`, `"kaiming"` or `"keras"`; see
            `initializers.kernel_and_bias`. Defaults to `"torch"`.
        normalization: `"half"`, `"channel"`, `"cifar10"` or `"none"`; see
            `inputs.normalized_input`. Defaults to `"half"`.
        moments: Pair `(mean, std)` per channel, in the unit of the data, for
            `normalization="channel"`. Defaults to `None`.
        input_dtype: Dtype of the stored samples. Defaults to `"uint8"`.
        dtype: Dtype policy, `"float32"` or `"mixed_bfloat16"`; logits are
            always float32. Defaults to `"float32"`.
        synchronized: Whether batch normalization averages over the replicas
            of a distribution strategy. Defaults to `False`.
        max_pool: Whether to append a 3x3 max-pool of stride 2 to the stem, as
            in the replication and in DASH. Defaults to `False`.
        augmentation: `"none"`, `"shift"` or `"standard"`; see
            `augmentation.augmented`. Defaults to `"none"`.
        masked: Whether to append a `class_mask.ClassMask`, for data sets with
            different numbers of classes. Defaults to `False`.
        unbiased_variance: Whether the moving variance of batch normalization
            has Bessel's correction, as in the authors' framework. It requires
            TensorFlow. Defaults to `False`.

    Returns:
        An uncompiled `keras.Model` from images `(batch, *input_shape)` to
        logits `(batch, num_classes)`.

    Raises:
        ValueError: If an argument has none of the named values, or if the
            samples are not images.
    """
    _check(input_shape, norm, width, blocks)
    conv = _conv(initializer, dtype)
    normalize = _norm(norm, dtype, synchronized, unbiased_variance)
    start, x = model_inputs.normalized_input(
        input_shape, input_dtype, normalization, moments, dtype, augmentation
    )
    x = _relu(normalize(conv(x, width, 3, 1, "stem_conv"), "stem_norm"), dtype)
    if max_pool:
        # Pad with zeros, the smallest values behind a rectifier.
        x = layers.ZeroPadding2D(1, dtype=dtype, name="stem_pad")(x)
        x = layers.MaxPooling2D(3, 2, dtype=dtype, name="stem_pool")(x)
    for stage, num_blocks in enumerate(blocks):
        for block in range(num_blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            name = f"stage{stage + 1}_block{block + 1}"
            x = _block(x, width * 2**stage, stride, name, conv, normalize)
    x = layers.GlobalAveragePooling2D(dtype=dtype, name="pool")(x)
    logits = layers.Dense(
        num_classes,
        dtype="float32",
        name="logits",
        **initializers.kernel_and_bias(initializer, x.shape[-1], "logits"),
    )(x)
    if masked:
        logits = class_mask.ClassMask(name="class_mask")(logits)
    return keras.Model(start, logits, name="resnet18")


def _block(x, channels, stride, name, conv, normalize):
    shortcut = x
    if stride != 1 or x.shape[-1] != channels:
        shortcut = conv(x, channels, 1, stride, f"{name}_shortcut_conv")
        shortcut = normalize(shortcut, f"{name}_shortcut_norm")
    dtype = x.dtype
    y = _relu(
        normalize(
            conv(x, channels, 3, stride, f"{name}_conv1"), f"{name}_norm1"
        ),
        dtype,
    )
    y = normalize(conv(y, channels, 3, 1, f"{name}_conv2"), f"{name}_norm2")
    return _relu(layers.Add(dtype=dtype)([y, shortcut]), dtype)


def _relu(x, dtype):
    return layers.Activation("relu", dtype=dtype)(x)


# With fewer channels, the oneDNN kernels of TensorFlow 2.21 return a wrong
# gradient for the filter of a strided convolution of size 1 on processors
# without AVX-512. The error is as large as the gradient itself.
_FEW_CHANNELS = 8


def _conv(initializer, dtype):
    def conv(x, channels, size, stride, name):
        padding = "same"
        if stride > 1 and size > 1:
            # Keras pads a strided "same" convolution on one side; the
            # authors' framework pads it on both.
            x = layers.ZeroPadding2D(1, dtype=dtype, name=f"{name}_pad")(x)
            padding = "valid"
        elif stride > 1 and x.shape[-1] < _FEW_CHANNELS:
            x = x[:, ::stride, ::stride]
            stride = 1
        kernel = initializers.kernel_and_bias(
            initializer,
            fan_in=x.shape[-1] * size * size,
            layer=name,
            fan_out=channels * size * size,
        )["kernel_initializer"]
        return layers.Conv2D(
            channels,
            size,
            strides=stride,
            padding=padding,
            use_bias=False,
            kernel_initializer=kernel,
            dtype=dtype,
            name=name,
        )(x)

    return conv


def _norm(norm, dtype, synchronized, unbiased):
    def normalize(x, name):
        if norm == "none":
            return x
        if norm == "layer":
            # One group is layer normalization over height, width and
            # channels, with gamma and beta per channel.
            return layers.GroupNormalization(
                groups=1, epsilon=EPSILON, dtype=dtype, name=name
            )(x)
        return batch_norm.BatchNormalization(
            unbiased=unbiased,
            momentum=MOMENTUM,
            epsilon=EPSILON,
            synchronized=synchronized,
            dtype=dtype,
            name=name,
        )(x)

    return normalize


def _check(input_shape, norm, width, blocks):
    if norm not in NORMS:
        raise ValueError(
            f"Unknown norm. Received: norm={norm!r}. "
            f"Choose one of {list(NORMS)}."
        )
    if len(input_shape) != 3:
        raise ValueError(
            "A ResNet needs images of shape (height, width, channels). "
            f"Received: input_shape={tuple(input_shape)}. Use the model "
            "'mlp' for flat samples."
        )
    whole = all(isinstance(count, int) for count in (width, *blocks))
    if not whole or width < 1 or not blocks or min(blocks) < 1:
        raise ValueError(
            "`width` and each entry of `blocks` must be positive integers. "
            f"Received: width={width}, blocks={tuple(blocks)}."
        )
