"""Checking the signatures of commits, as git does it: git itself is asked, about copies of the commits.

    gpg.ssh.allowedSignersFile      who may sign with which ssh key, and from when until when
    gpg.ssh.revocationFile          ssh keys that count no more
    the keyring of gpg              OpenPGP keys, and which of them are trusted

Rules:
  * A signature is good where git says so without a doubt (`G`): the key is one that was named, valid on the day of the
    commit, and what it signed is this commit. An OpenPGP key has to be trusted, not only to be there.
  * SEC-4: git and what it starts are those of the machine and its settings; what they may say and take is bounded.

What this file does not know: which commits have to be signed, and by whom.
"""

import re
import zlib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from gitcoord.errors import SigningError, unwritable
from gitcoord.remote.contract.protocol import Oid, oid
from gitcoord.remote.git.git_failure import shown
from gitcoord.remote.git.git_process import Bounds, clean_env, clean_text, run_git

COMMITS_AT_ONCE: Final = 200
CHECK_S: Final = 120.0  # of so many: a signature takes two processes, 20 ms where nothing else runs
_LINE_BYTES_MAX: Final = 2000
_SETTINGS_S: Final = 10.0
_FIELD: Final = re.compile(rb"^gpgsig (.*)", re.MULTILINE)
# What git takes for the first line of a signature; with any other it ends, and says nothing of the other commits.
_BEGINS: Final = (b"PGP SIGNATURE", b"PGP MESSAGE", b"SIGNED MESSAGE", b"SSH SIGNATURE")
_PATHS: Final = frozenset({"gpg.ssh.allowedsignersfile", "gpg.ssh.revocationfile"})
_DOUBTS: Final[Mapping[str, str]] = {
    "U": "its key is not trusted, or not valid on the commit's date",
    "E": "its key is not here",
    "X": "the signature has expired",
    "Y": "its key has expired",
}


class Verdict(StrEnum):
    """What a signature is worth."""

    GOOD = "good"
    UNKNOWN = "unknown"
    UNSIGNED = "unsigned"
    BAD = "bad"


class Checked(NamedTuple):
    """What was found of one commit.

    Attributes:
        signer: who signed, where that is known: a principal of the allowed signers, or the user id of an OpenPGP key.
        key: the fingerprint of the key.
        why: the end of a sentence, where it is not good; "it" and "its" are of the signature.
    """

    verdict: Verdict
    signer: str = ""
    key: str = ""
    why: str = ""

    @property
    def names(self) -> frozenset[str]:
        """Return what a good signature may be pinned to: the signer, the address in its user id, the key."""
        if self.verdict is not Verdict.GOOD:
            return frozenset()
        address = self.signer.rpartition("<")[2].rstrip(">")
        return frozenset({self.signer, address, self.key} - {""})


class SignatureCheck(NamedTuple):
    """Checks by the settings of one repository.

    Attributes:
        settings: its `gpg.*`, with whole paths.
        env: the environment of this process.
    """

    settings: tuple[tuple[str, str], ...]
    env: Mapping[str, str]

    @classmethod
    def of(cls, repository: Path, base: Path, env: Mapping[str, str]) -> "SignatureCheck":
        """Read the settings of a repository; `base`: the folder from which git would take relative paths.

        Raises:
            RepositoryError: git cannot be started there.
        """
        words = ("config", "--null", "--get-regexp", r"^gpg\.")
        listed = run_git(words, cwd=repository, env=clean_env(env), timeout_s=_SETTINGS_S).stdout
        pairs = (entry.partition("\n") for entry in listed.decode("utf-8", "replace").split("\0") if entry)
        return cls(tuple((key, _whole(key, value, base)) for key, _, value in pairs), env)

    def check(self, commits: Mapping[Oid, bytes]) -> dict[Oid, Checked]:
        """Return what the signatures of these commits are worth; the content of each is given.

        Raises:
            SigningError: git cannot say it.
            StorageError: there is no room for copies.
        """
        found = {name: Checked(Verdict.UNSIGNED) for name in commits}
        signed: list[Oid] = []
        for name, data in commits.items():
            begins = _FIELD.findall(data.partition(b"\n\n")[0])
            if all(begin in [b"-----BEGIN " + known + b"-----" for known in _BEGINS] for begin in begins):
                signed += [name] if begins else []
            else:
                found[name] = Checked(Verdict.BAD, why="it is none that git knows")
        for start in range(0, len(signed), COMMITS_AT_ONCE):
            found |= self._asked({name: commits[name] for name in signed[start : start + COMMITS_AT_ONCE]})
        return found

    def _asked(self, commits: Mapping[Oid, bytes]) -> dict[Oid, Checked]:
        try:
            with TemporaryDirectory(prefix="gitcoord-signatures-") as name:
                folder = Path(name)
                for part in ("refs", "objects"):
                    (folder / part).mkdir()
                (folder / "HEAD").write_text("ref: refs/heads/main\n", encoding="ascii")
                for commit, data in commits.items():  # as git keeps them, one by one
                    path = folder / "objects" / commit[:2] / commit[2:]
                    path.parent.mkdir(exist_ok=True)
                    path.write_bytes(zlib.compress(b"commit %d\0" % len(data) + data, 1))
                shape = ("--no-walk=unsorted", "--no-show-signature", "--no-decorate", "--no-mailmap")
                done = run_git(
                    [f"--git-dir={folder}", "log", *shape, "--format=%H %G? %GF %GP %GS", "--stdin"],
                    cwd=folder,
                    env=clean_env(self.env, settings=self.settings),
                    timeout_s=CHECK_S,
                    input="".join(f"{commit}\n" for commit in commits).encode(),
                    bounds=Bounds(_LINE_BYTES_MAX * len(commits)),
                )
        except OSError as error:
            raise unwritable("The folder for temporary files", error) from error
        lines = done.stdout.decode("utf-8", "replace").split("\n")
        found = {oid(line[:40]): self._of_line(line) for line in lines if line[:40] in commits}
        if done.timed_out or done.lacked_time:
            text = f"git did not check {len(commits)} signatures in time."
            raise SigningError(text, hint="Try `git verify-commit` with any commit of yours that is signed.")
        if (done.rc != 0 or found.keys() != commits.keys()) and len(commits) > 1:
            halves = [*commits.items()][: len(commits) // 2], [*commits.items()][len(commits) // 2 :]
            return self._asked(dict(halves[0])) | self._asked(dict(halves[1]))
        left = Checked(Verdict.UNKNOWN, why=f"git could not check it: {shown(done.errors).rstrip('.')}")
        return {name: found.get(name, left) if done.rc == 0 else left for name in commits}

    def _of_line(self, line: str) -> Checked:
        _, letter, key, primary, signer = (*line.split(" ", 4), "", "", "", "")[:5]
        known = Checked(Verdict.UNKNOWN, clean_text(signer, chars_max=200), clean_text(primary or key, chars_max=100))
        match letter:
            case "G":
                return known._replace(verdict=Verdict.GOOD)
            case "B" | "R":
                return Checked(
                    Verdict.BAD, why="it is of something else than this commit, or by a key that was revoked"
                )
            case "N":
                is_set = any(setting == "gpg.ssh.allowedsignersfile" for setting, _ in self.settings)
                why = "git could not check it" + ("" if is_set else ": gpg.ssh.allowedSignersFile is not set")
                return known._replace(why=why)
            case _:
                return known._replace(why=_DOUBTS.get(letter, "git could not check it"))


def _whole(key: str, value: str, base: Path) -> str:
    """Return a path as it is from anywhere; git itself expands a `~`."""
    return str(base / value) if key in _PATHS and value and not value.startswith(("~", "%(prefix)")) else value
