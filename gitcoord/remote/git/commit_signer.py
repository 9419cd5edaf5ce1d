"""Signing the bytes of a commit as git does, by git's own settings, without asking a person.

    gpg.format = ssh        the ssh-agent at SSH_AUTH_SOCK, else ssh-keygen -Y sign -n git -f KEY FILE
    gpg.format = openpgp    gpg --detach-sign --armor -u KEY            which a gpg-agent may do

Rules:
  * No one is asked: no terminal, no askpass, no pinentry. A key that needs a passphrase is in its agent, or signing
    fails with a sentence.
  * SEC-4: programs are those that git's settings name (system, user, clone, worktree). They are started without a
    shell and in git's own folder, so that a relative name finds nothing of a checkout.

What this file does not know: when a commit is signed, and how a signature is checked.
"""

import shlex
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from gitcoord.errors import SigningError
from gitcoord.remote.git import ssh_agent
from gitcoord.remote.git.git_process import clean_env, clean_text
from gitcoord.remote.git.program import Ended, run_program

SIGN_S: Final = 10.0  # an agent answers in milliseconds; who waits for a finger on a key holds up the whole clone
_KEY_BYTES_MAX: Final = 16 * 1024  # a public key of RSA has 2 KB at most
_STATUS: Final = "[GNUPG:] "
_HINT: Final = (
    "Try it: `git commit-tree -S -m try HEAD^{tree}`. No one is asked for a passphrase here: let ssh-agent or "
    "gpg-agent have the key, or use one without. `gitcoord config set sign off` writes without signatures."
)


class CommitSigner(NamedTuple):
    """What signs commits in one repository.

    Attributes:
        settings: git's, keys in lower case: `gpg.*`, `user.signingkey`.
        who: the committer, `Name <email>`, whose OpenPGP key it is where none is named.
        top: the worktree, from which git takes relative paths of keys.
        folder: git's, where programs run.
    """

    settings: Mapping[str, str]
    who: str
    env: Mapping[str, str]
    top: Path
    folder: Path

    def sign(self, data: bytes) -> str:
        """Return an armored signature of these bytes.

        Raises:
            SigningError: there is none.
        """
        form = self.settings.get("gpg.format", "openpgp").lower()
        if form == "ssh":
            return self._by_ssh(data)
        if form == "openpgp":
            return self._by_openpgp(data)
        raise SigningError(f"gpg.format is {form}; ledgers are signed with ssh or openpgp.", hint=_HINT)

    def _by_openpgp(self, data: bytes) -> str:
        named = self.settings.get("gpg.openpgp.program") or self.settings.get("gpg.program") or "gpg"
        words = [self._home(named), "--batch", "--no-tty", "--pinentry-mode", "error", "--status-fd=2", "-bsau"]
        ended = self._run([*words, self.settings.get("user.signingkey") or self.who], data)
        if ended.why or f"\n{_STATUS}SIG_CREATED " not in f"\n{ended.errors}":
            raise _failed(named, ended)
        return ended.stdout.decode("ascii", "replace")

    def _by_ssh(self, data: bytes) -> str:
        named = self.settings.get("gpg.ssh.program") or "ssh-keygen"
        key = self.settings.get("user.signingkey") or self._default_key()
        by_agent = self._by_agent(key, data)
        if by_agent:
            return by_agent
        try:
            with TemporaryDirectory(prefix="gitcoord-sign-") as name:
                draft, public = Path(name, "commit"), Path(name, "key.pub")
                draft.write_bytes(data)
                literal = key.removeprefix("key::")
                if literal != key or key.startswith("ssh-"):  # a public key, whose private one an agent has
                    public.write_text(f"{literal}\n", encoding="utf-8")
                else:
                    public = self.top / self._home(key)
                words = [self._home(named), "-Y", "sign", "-n", "git", "-f", str(public), str(draft)]
                ended = self._run(words, b"")
                signature = draft.with_suffix(".sig")
                if ended.why or not signature.exists():
                    raise _failed(named, ended)
                return signature.read_text("ascii")
        except UnicodeDecodeError:
            text = f"What {clean_text(named, chars_max=80)} wrote is no signature: it is not armored."
            raise SigningError(text, hint=_HINT) from None
        except OSError as error:
            raise SigningError(f"Commits cannot be signed: {error.strerror or error}.", hint=_HINT) from None

    def _by_agent(self, key: str, data: bytes) -> str | None:
        """Return a signature by the agent that ssh-keygen would ask first; `None`: that program is to be asked."""
        agent = self.env.get("SSH_AUTH_SOCK")
        if not agent or self.settings.get("gpg.ssh.program"):
            return None
        public = key.removeprefix("key::")
        if public == key and not key.startswith("ssh-"):
            path = self.top / self._home(key)
            public = next(filter(None, (_key_in(Path(f"{path}.pub")), _key_in(path))), "")
        try:
            return ssh_agent.sign(agent, public, "git", data, SIGN_S)
        except TimeoutError:
            text = "The commit cannot be signed by ssh-agent: it did not answer in time."
            raise SigningError(text, hint=_HINT) from None
        except PermissionError:
            text = "The commit cannot be signed: ssh-agent has the key and refuses."
            raise SigningError(text, hint=_HINT) from None

    def _default_key(self) -> str:
        """Return the first key that `gpg.ssh.defaultKeyCommand` writes, as git takes it."""
        command = self.settings.get("gpg.ssh.defaultkeycommand", "").strip()
        if not command:
            hint = "Run: git config user.signingKey <file of a public key>"
            raise SigningError("gpg.format is ssh, and neither user.signingKey nor a default key is set.", hint=hint)
        try:
            words = shlex.split(command)
        except ValueError:
            words = [command]
        ended = self._run([self._home(words[0]), *words[1:]], b"")
        key = ended.stdout.decode("utf-8", "replace").partition("\n")[0].strip()
        if ended.why or not key.startswith(("key::", "ssh-")):
            raise _failed(words[0], ended)
        return key

    def _run(self, words: list[str], given: bytes) -> Ended:
        env = clean_env(self.env)
        env.pop("GPG_TTY", None)
        return run_program(words, cwd=self.folder, env=env, timeout_s=SIGN_S, given=given)

    def _home(self, named: str) -> str:
        home = self.env.get("HOME")
        return f"{home}/{named[2:]}" if home and named.startswith("~/") else named


def _key_in(path: Path) -> str:
    """Return the first line of a file of a public key; nothing where there is none."""
    with suppress(OSError), path.open("rb") as file:
        return file.read(_KEY_BYTES_MAX).decode("ascii", "replace").partition("\n")[0]
    return ""


def _failed(program: str, ended: Ended) -> SigningError:
    lines = [line for line in ended.errors.splitlines() if line.strip() and not line.startswith(_STATUS)]
    said = clean_text(" ".join(lines[-2:]), chars_max=200).rstrip(".")
    why = said or ended.why or "it wrote no signature"
    return SigningError(f"The commit cannot be signed by {clean_text(program, chars_max=80)}: {why}.", hint=_HINT)
