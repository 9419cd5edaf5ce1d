"""The seed of `make torture`: what is drawn by chance in it is drawn from this number, so that it can be repeated."""

import os

VARIABLE = "TORTURE_SEED"
SEED = int(os.environ.get(VARIABLE, "0"))
