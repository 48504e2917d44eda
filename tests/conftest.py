"""What all tests share."""

import os

# Before TensorFlow is imported: its messages hide what a test prints.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
