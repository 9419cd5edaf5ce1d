"""A kiosk that sells tickets. def not_this(): pass"""

import asyncio
from typing import overload

PRICE = 3


# Belongs to the function below.
# So does this line.
@asyncio.coroutine
def sell(count):
    def total():
        return count * PRICE

    double = lambda one: one * 2  # a name bound to a lambda

    text = """
    class NotAClass:
        def not_a_method(self): ...
    """
    return double(total()), text


# Stands alone, because a blank line follows.

class Kiosk(
    object,
):
    open: bool = False
    queue = []
    rank = lambda self: 1

    @property
    def name(self):
        return "def x(): pass"

    @name.setter
    def name(self, value):
        self._name = value

    class Drawer:
        async def pull(self):
            pass

    @overload
    def put(self, coin: int) -> None: ...
    @overload
    def put(self, coin: str) -> None: ...
    def put(self, coin):
        pass


if PRICE > 2:
    def expensive(): return True
else:
    def expensive(): return False

type Coin[T] = list[T]
cheap = lambda: False


def broken(a, b:
    x = 1 +
def found_again():
    return 1
