"""The table of commands and rules: every command has a word and a rule, and needs a project."""

import typing

import pytest

from gitcoord.core.documents.json_text import canonical, load_object, time_text
from gitcoord.core.documents.outcomes import Outcome, Verdict, done, invalid, refused
from gitcoord.core.steps import step_table
from gitcoord.core.steps.step_commands import (
    COMMANDS,
    Command,
    CompleteStep,
    CreateProject,
    ImportProject,
    UpdateStep,
)
from tests.unit.core.play import ANN, COMMIT, NOW, Play, creation, defined, play


def arguments(word: str) -> dict[str, object]:
    known: dict[str, object] = {
        "step_num": 1,
        "reason": "r",
        "commit_hash": COMMIT,
        "branch": "feat/1",
        "seen_fence": 1,
        "name": "app",
        "base_commit": COMMIT,
        "steps": [],
        "project": {"name": "app", "base_commit": COMMIT, "created_at": time_text(NOW), "created_by": "ann"},
    }
    needed = COMMANDS[word].__struct_fields__
    return {name: value for name, value in known.items() if name in needed and word != "claim_step"}


def commands() -> list[Command]:
    return [kind.parse(arguments(word)) for word, kind in COMMANDS.items()]  # pyright: ignore[reportArgumentType]


def test_every_command_has_one_word() -> None:
    assert set(COMMANDS.values()) == set(typing.get_args(Command))
    assert len(COMMANDS) == len(set(COMMANDS.values()))


@pytest.mark.rule("DOC-2")
def test_every_command_survives_the_record() -> None:
    wanted = [
        *commands(),
        creation(defined(1, branch="f/1"), defined(2, 1)),
        UpdateStep(step_num=1, title="", depends_on=(), priority=0),
        CompleteStep(step_num=1, commit_hash=COMMIT, on_branch=False, pushed=True, others_live=True, outside=("a",)),
    ]

    read = [type(one).parse(load_object(canonical(one.dump()))) for one in wanted]

    assert read == wanted


@pytest.mark.parametrize("command", commands(), ids=list(COMMANDS))
def test_without_a_project_every_command_but_those_that_make_it_is_invalid(command: Command) -> None:
    game = Play()

    outcome = game.do(command)

    assert game.board is None
    assert outcome.verdict is Verdict.INVALID
    assert outcome.code == ("no_steps" if isinstance(command, CreateProject | ImportProject) else "not_found")


@pytest.mark.parametrize("command", commands(), ids=list(COMMANDS))
def test_every_command_is_decided_the_same_twice_and_leaves_the_board_as_it_was(command: Command) -> None:
    game = play(defined(1), defined(2, 1))
    game.started(1)
    steps, project = dict(game.whole.steps), game.whole.project

    first, second = (step_table.decide(game.board, command, game.context(ANN)) for _ in range(2))

    assert first == second
    assert (dict(game.whole.steps), game.whole.project) == (steps, project)


def test_outcomes_are_done_refused_or_invalid_and_survive_the_record() -> None:
    outcomes = [done("a", n=1, m=[2]), refused("b", "No.", "Do c.", who="d"), invalid("e", "No.")]

    assert [one.verdict for one in outcomes] == ["done", "refused", "invalid"]
    assert [one.is_done for one in outcomes] == [True, False, False]
    assert [Outcome.parse(load_object(canonical(one.dump()))) for one in outcomes] == outcomes


def test_the_time_of_a_decision_is_that_of_its_context() -> None:
    game = play(defined(1))
    game.now = NOW.replace(year=2030)

    game.completed(1)

    assert {game[1].claimed_at, game[1].completed_at, game.whole.project.completed_at} == {game.now}
