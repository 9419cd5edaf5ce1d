"""Objects of two repositories, for a reader of what one of them may lack, and objects that are lent to another one."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from gitcoord.errors import unwritable
from gitcoord.remote.contract.protocol import ObjectKind, Objects, Oid


@dataclass(frozen=True, slots=True)
class JoinedObjects:
    """The objects of `first`, and of `second` where the first has them not. Nothing is written to the second."""

    first: Objects
    second: Objects

    @property
    def object_format(self) -> str:
        """That of the first."""
        return self.first.object_format

    def read(self, oid: Oid) -> tuple[ObjectKind, bytes]:
        """Return the kind and content of an object; see `Objects`."""
        return (self.first if self.first.has(oid) else self.second).read(oid)

    def has(self, oid: Oid) -> bool:
        """Whether one of them has it."""
        return self.first.has(oid) or self.second.has(oid)

    def write(self, kind: ObjectKind, data: bytes) -> Oid:
        """Store an object in the first."""
        return self.first.write(kind, data)


@contextmanager
def lent(objects: Path) -> Generator[Path]:
    """Give a bare repository that has objects which stand elsewhere, no refs, and no boundaries.

    Raises:
        StorageError: it cannot be made.
    """
    try:
        # What git did with it counts, whatever becomes of it.
        made = TemporaryDirectory(prefix="gitcoord-lent-", ignore_cleanup_errors=True)
        folder = Path(made.name)
        (folder / "refs").mkdir()
        (folder / "HEAD").write_text("ref: refs/heads/main\n", encoding="ascii")
        (folder / "objects").symlink_to(objects.resolve(), target_is_directory=True)
    except OSError as error:
        raise unwritable("The folder for temporary files", error) from error
    with made:
        yield folder
