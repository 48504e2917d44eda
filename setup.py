"""Packaging of ws_keras.

The folders `launch` and `configs` lie beside the package in a checkout, where
they are at hand; installed, they lie inside it, so that nobody's site-packages
gets packages of such general names.
"""

import pathlib
import re

import setuptools

ROOT = pathlib.Path(__file__).parent
VERSION = re.search(
    r'__version__ = "(.+)"', (ROOT / "ws_keras/__init__.py").read_text()
).group(1)
FOLDERS = {"ws_keras.launch": "launch", "ws_keras.configs": "configs"}

setuptools.setup(
    name="ws_keras",
    version=VERSION,
    description="Warm-starting neural network training, and shrink-perturb, "
    "for Keras 3",
    long_description=(ROOT / "README.md").read_text(encoding="utf8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    packages=[*setuptools.find_packages(include=["ws_keras*"]), *FOLDERS],
    package_dir=FOLDERS,
    package_data={
        "ws_keras.report": ["*.json"],
        "ws_keras.report.render": ["*.css", "*.js"],
    },
    install_requires=[
        "absl-py>=2.1",
        # TFDS imports it on download without declaring it.
        "importlib_resources>=6.0",
        "keras>=3.8",
        "ml_collections>=1.0",
        "numpy>=1.26",
        "scipy>=1.12",
        "tensorboard>=2.18",
        "tensorflow>=2.18",
        "tensorflow-datasets>=4.9.7",
    ],
    extras_require={
        # The other backends of Keras, for KERAS_BACKEND=jax or torch.
        "jax": ["jax>=0.10"],
        "torch": ["torch>=2.13"],
        "report": ["matplotlib>=3.8", "plotly>=6.0"],
        # The peers of the benchmarks.
        "bench": ["jax>=0.10", "matplotlib>=3.8", "torch>=2.13"],
        "ray": ["ray>=2.60"],
        # BADGE, a way of choosing in active learning.
        "active": ["scikit-learn>=1.4"],
        "test": [
            "hypothesis>=6.100",
            "matplotlib>=3.8",
            "plotly>=6.0",
            "pytest>=8.0",
            "pytest-cov>=5.0",
            "pytest-xdist>=3.7",
            "ruff>=0.14",
            "scikit-learn>=1.4",
            # The test of the wheel builds one.
            "setuptools>=77",
        ],
    },
    entry_points={
        "console_scripts": [
            "ws-report = ws_keras.launch.report:run",
            "ws-retrain = ws_keras.launch.retrain:run",
            "ws-run = ws_keras.launch.run:run",
            "ws-sweep = ws_keras.launch.sweep:run",
        ]
    },
    classifiers=[
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
