"""Commands of ws_keras: the place where flags end."""

import pathlib

import ws_keras

# In a wheel this folder and `configs` lie under `ws_keras`; in a checkout they
# lie beside it. This lets `ws_keras.configs` and `ws_keras.launch` name the
# same things in both.
if not any((pathlib.Path(p) / "configs").is_dir() for p in ws_keras.__path__):
    ws_keras.__path__.append(str(pathlib.Path(__file__).resolve().parents[1]))
