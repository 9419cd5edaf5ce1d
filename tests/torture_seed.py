"""The seeds of `make torture`: what is drawn by chance in it is drawn from one number, so that it can be repeated.

SEED: that number; 0 where there is none. ANY_SEED: the same, but where there is none another one each time.
"""

import os
import random

VARIABLE = "TORTURE_SEED"
SEED = int(os.environ.get(VARIABLE) or 0)
ANY_SEED = SEED or random.SystemRandom().randrange(1, 1 << 32)
