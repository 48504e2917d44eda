"""Packaging of ws_keras.

The folders `launch` and `configs` lie beside the package in a checkout, where
they are at hand; installed, they lie inside it, so that nobody's site-packages
gets packages of such general names.
"""

import os
import pathlib
import re

import setuptools

ROOT = pathlib.Path(__file__).parent
VERSION = re.search(
    r'__version__ = "(.+)"', (ROOT / "ws_keras/__init__.py").read_text()
).group(1)
FOLDERS = {"ws_keras.launch": "launch", "ws_keras.configs": "configs"}


def repository() -> str:
    """Returns the address of the repository, or "" where it has none yet.

    A workflow of a hosted repository sets both variables, so that what it
    builds and uploads names the address that it was built from.
    """
    server = os.environ.get("GITHUB_SERVER_URL", "")
    name = os.environ.get("GITHUB_REPOSITORY", "")
    return f"{server}/{name}" if server and name else ""


def urls() -> dict[str, str]:
    """Returns the links that a package index shows."""
    paper = {"Paper": "https://arxiv.org/abs/1910.08475"}
    at = repository()
    if not at:
        return paper
    return {
        "Source": at,
        "Issues": f"{at}/issues",
        "Changelog": f"{at}/blob/main/CHANGELOG.md",
        "Documentation": f"{at}/blob/main/docs/index.md",
        **paper,
    }


def readme() -> str:
    """Returns the README with links that also work away from its folder."""
    text = (ROOT / "README.md").read_text(encoding="utf8")
    at = repository()
    if not at:
        return text
    text = re.sub(r"(!\[[^\]]*\])\((?!\w+:)", rf"\1({at}/raw/main/", text)
    return re.sub(
        r"(?<!!)(\[[^\]]+\])\((?!\w+:|#)", rf"\1({at}/blob/main/", text
    )


setuptools.setup(
    name="ws_keras",
    version=VERSION,
    description="Warm-starting neural network training, and shrink-perturb, "
    "for Keras 3",
    author="ws_keras contributors",
    project_urls=urls(),
    keywords="keras tensorflow jax torch warm-start shrink-perturb "
    "retraining continual-learning plasticity reproducibility",
    long_description=readme(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    packages=[*setuptools.find_packages(include=["ws_keras*"]), *FOLDERS],
    package_dir=FOLDERS,
    package_data={
        "ws_keras": ["py.typed", "__init__.pyi"],
        "ws_keras.report": ["*.csv"],
        "ws_keras.report.render": ["*.css", "*.jinja", "*.js"],
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
        "report": ["jinja2>=3.1", "matplotlib>=3.8", "plotly>=6.0"],
        # The peers of the benchmarks.
        "bench": ["jax>=0.10", "matplotlib>=3.8", "torch>=2.13"],
        "ray": ["ray>=2.60"],
        # CSV and Parquet as data of ws-retrain.
        "tables": ["pandas>=2.2", "pyarrow>=16"],
        # BADGE, a way of choosing in active learning.
        "active": ["scikit-learn>=1.4"],
        "docs": [
            "furo>=2025.7",
            "ipykernel>=6.29",
            "jinja2>=3.1",
            "jupytext>=1.17",
            "matplotlib>=3.8",
            "myst-nb>=1.3",
            "plotly>=6.0",
            "sphinx>=8.2",
            "sphinx-copybutton>=0.5",
            "sphinx-design>=0.6",
        ],
        "test": [
            "hypothesis>=6.100",
            "jinja2>=3.1",
            "matplotlib>=3.8",
            "mypy>=1.18",
            "pandas>=2.2",
            "plotly>=6.0",
            "pyarrow>=16",
            "pytest>=8.0",
            "pytest-cov>=5.0",
            "pytest-xdist>=3.8",
            "ruff>=0.14",
            "scikit-learn>=1.4",
            # The test of the wheel builds one.
            "setuptools>=77",
        ],
    },
    entry_points={
        "console_scripts": [
            "ws-report = ws_keras.launch.entry:report",
            "ws-retrain = ws_keras.launch.entry:retrain",
            "ws-run = ws_keras.launch.entry:run",
            "ws-sweep = ws_keras.launch.entry:sweep",
        ]
    },
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Operating System :: MacOS",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
