"""How transcripts spell commands and outcomes."""

import re
from collections.abc import Sequence
from datetime import timedelta

from gitcoord.core.documents.json_text import Json, compact
from gitcoord.core.documents.outcomes import Outcome
from gitcoord.core.steps.step_commands import COMMANDS

_STEP = re.compile(
    r"(?P<num>\d+)(?:@(?P<scope>\w+))?(?:!(?P<priority>-?\d+))?(?::(?P<branch>[^<]+))?(?:<(?P<deps>[\d+]+))?"
)
_COMMIT = re.compile(r"\b([0-9a-f])\1{39}\b")  # the commits of transcripts have one digit, forty times


_TIME = re.compile(r"T(\d\d:\d\d):\d\d\.\d{3}Z")


def minutes(text: str) -> timedelta:
    return timedelta(minutes=int(text.removesuffix("m")))


def word_of(text: str) -> str:
    """Return the word of the record for a verb: `claim` is `claim_step`."""
    return next(one for one in (text, f"{text}_step", f"{text}_project", f"{text}_steps") if one in COMMANDS)


def arguments_of(word: str, project: str, words: Sequence[str]) -> dict[str, Json]:
    """Read `name=value`, steps and `force` as the arguments of a command."""
    given = dict(one.split("=", 1) for one in words if "=" in one)
    out: dict[str, Json] = {name: _value(name, one) for name, one in given.items() if name != "commit"}
    if "force" in words:
        out["force"] = True
    if word == "complete_step":
        out["commit_hash"] = given.get("commit", "c") * 40
    if word in {"fail_step", "skip_step", "abort_project"}:
        out.setdefault("reason", "red tests")
    if word == "create_project":
        out |= {"name": project, "base_commit": "0" * 40}
    if word in {"create_project", "add_steps"}:
        out["steps"] = [_step(one) for one in words if one[0].isdigit()]
    return out


def _value(name: str, text: str) -> Json:
    if name in {"priority", "stale_minutes"}:
        return int(text)
    return _numbers(text) if name == "depends_on" else text


def _numbers(text: str | None) -> list[Json]:
    return [int(num) for num in (text or "").split("+") if num]


def _step(text: str) -> dict[str, Json]:
    match = _STEP.fullmatch(text)
    assert match, text
    step: dict[str, Json] = {"step_num": int(match["num"]), "depends_on": _numbers(match["deps"])}
    step |= {name: match[name] for name in ("scope", "branch") if match[name]}
    return step | ({"priority": int(match["priority"])} if match["priority"] else {})


def told(outcome: Outcome, project: str | None, base: Json = None) -> list[str]:
    """Return the lines that say what came of a command."""
    facts = {name: one for name, one in outcome.facts.items() if name not in {"step_num", "project"}}
    num = outcome.facts.get("step_num")
    where = f" {project}/{num}" if project and num else f" {project or num or ''}".rstrip()
    facts |= {"base": base} if base else {}
    pairs = "".join(f" {name}={one if isinstance(one, str) else compact(one)}" for name, one in facts.items())
    lines = [f"{outcome.verdict} {outcome.code}{where}{pairs}"]
    lines += [outcome.message] if outcome.message else []
    lines += [f"→ {outcome.hint}"] if outcome.hint else []
    return [shortened(line) for line in lines]


def shortened(text: str) -> str:
    """Shorten commits and times: a retry sleeps, so seconds say something of its delays only."""
    return _TIME.sub(r"T\1Z", _COMMIT.sub(lambda match: f"{match[1] * 4}…", text))
