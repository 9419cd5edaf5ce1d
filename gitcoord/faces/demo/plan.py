"""The work of the demonstration: fifteen steps of a small shop, and a file that two agents want at once.

Several steps put a line at the same place of the same file, so branches that all began at the base commit would
conflict when merged. They do not, because such steps depend on each other and each begins where the ones before it
ended: that is what `base` in the answer to a claim is for.

Each step claims the file that it writes. Step 8 is taken first, by its priority; little waits for it, so that the
others have work while its agent talks and is killed. Step 14 comes next and claims more than it writes: the agent that
holds step 8 is in its way, so the next agent that asks is given another one.

No step writes the cart: an agent that wants it has to ask its holder. Each edit replaces one line, so that all of them
are in the end only if none was made on an old text.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gitcoord.core.documents.json_text import Json

HEADER = "-- the newest line comes first --"


@dataclass(frozen=True, slots=True)
class Task:
    """A step: what it is, which file it writes a line into, what it needs. `also`: what it claims, if not just that."""

    num: int
    title: str
    scope: str
    file: str
    after: tuple[int, ...] = ()
    priority: int = 0
    also: str = ""

    @property
    def paths(self) -> tuple[str, ...]:
        """Return what the step claims."""
        return (self.also or f"/{self.file}",)

    @property
    def line(self) -> str:
        """Return what the step adds to its file."""
        return f"{self.num}: {self.title}"


TASKS: tuple[Task, ...] = (
    Task(1, "Table of users", "db", "schema.sql"),
    Task(2, "Table of orders", "db", "schema.sql", (1,)),
    Task(3, "Endpoint for users", "api", "api.txt", (1,)),
    Task(4, "Endpoint for orders", "api", "api.txt", (2, 3)),
    Task(5, "Frame of the pages", "ui", "pages.txt"),
    Task(6, "Page of a user", "ui", "pages.txt", (3, 5)),
    Task(7, "Page of orders", "ui", "pages.txt", (4, 6)),
    Task(8, "Outline of the manual", "docs", "manual.md", priority=2),
    Task(9, "Manual of the API", "docs", "manual.md", (4, 8)),
    Task(10, "Queue of jobs", "jobs", "jobs.txt"),
    Task(11, "Mail job", "jobs", "jobs.txt", (10,)),
    Task(12, "Invoice job", "jobs", "jobs.txt", (4, 11)),
    Task(13, "Tests of the whole", "test", "tests.txt", (7, 12)),
    Task(14, "News of the release", "docs", "news.md", priority=1, also="*.md"),
    Task(15, "Release", "release", "release.txt", (9, 13, 14)),
)
BY_NUM: Mapping[int, Task] = {task.num: task for task in TASKS}
FILES: tuple[str, ...] = tuple(dict.fromkeys(task.file for task in TASKS))
CART = "cart.py"
CART_TEXT = '''"""The cart of the shop."""


def total(prices):
    return sum(prices)


def discount(amount):
    return amount


def receipt(amount):
    return f"{amount}"
'''


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of the cart: its message, the line that goes, the line that comes."""

    title: str
    old: str
    new: str

    def done_to(self, text: str) -> str:
        """Return the text with it."""
        return text.replace(self.old, self.new, 1)


SYMBOL = "discount"
DISCOUNT = Edit("Ten per cent off", "    return amount\n", "    return amount * 0.9\n")
TOTAL = Edit("Whole cents", "    return sum(prices)\n", "    return round(sum(prices), 2)\n")
RECEIPT = Edit("Two decimals", '    return f"{amount}"\n', '    return f"{amount:.2f}"\n')
TITLE = Edit(
    "Say what it does", '"""The cart of the shop."""\n', '"""The cart: a total, less the discount, as text."""\n'
)
EDITS = (DISCOUNT, TOTAL, RECEIPT, TITLE)


def definitions(prefix: str) -> list[dict[str, Json]]:
    """Return the steps as a planner gives them; their branches begin with `prefix`."""
    return [
        {
            "step_num": task.num,
            "title": task.title,
            "scope": task.scope,
            "branch": f"{prefix}/step-{task.num}",
            "depends_on": [*task.after],
            "paths": [*task.paths],
            "priority": task.priority,
        }
        for task in TASKS
    ]


def start_text() -> str:
    """Return a file as the base commit has it."""
    return f"{HEADER}\n"


def with_line(text: str, line: str) -> str:
    """Return a file with one more line, below its header, where every other step puts its own."""
    return text.replace(f"{HEADER}\n", f"{HEADER}\n{line}\n", 1)


def collisions() -> int:
    """Return how many pairs of steps write at the same place."""
    return sum(1 for task in TASKS for other in TASKS if task.num < other.num and task.file == other.file)
