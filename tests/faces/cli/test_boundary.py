"""Whatever happens in a command becomes an exit status and two lines, in one place."""

import errno
import json
from pathlib import Path

import pytest
import typer

from gitcoord import errors
from gitcoord.core.documents.call import Call, sentence
from gitcoord.faces.cli import boundary

STATUSES = [
    (errors.UsageError, 2),
    (errors.InvalidError, 2),
    (errors.LimitError, 2),
    (errors.NotFoundError, 2),
    (errors.RepositoryError, 2),
    (errors.StorageError, 5),
    (errors.StoreDamagedError, 5),
    (errors.SigningError, 5),
    (errors.AuthorError, 1),
    (errors.DocumentError, 5),
    (errors.SchemaError, 1),
    (errors.RewoundError, 5),
    (errors.RefusedError, 1),
    (errors.ContendedError, 4),
    (errors.RulesMovedError, 4),
    (errors.RateLimitError, 4),
    (errors.UnreachableError, 5),
    (errors.UnknownOutcomeError, 5),
    (errors.DeniedError, 6),
    (errors.MissingObjectError, 5),
]


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each command outside of any repository, where no sandbox is looked for."""
    monkeypatch.chdir(tmp_path)


def raising(error: BaseException) -> "boundary.Callable[[], int]":
    def command() -> int:
        raise error

    return command


@pytest.mark.parametrize(("kind", "status"), STATUSES, ids=[kind.__name__ for kind, _ in STATUSES])
def test_an_error_is_two_lines_on_stderr_and_its_own_status(
    kind: type[errors.CoordError], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    found = boundary.run(raising(kind("It broke.", hint="Mend it.")), [])

    captured = capsys.readouterr()
    assert found == status
    assert captured.out == ""
    assert captured.err == f"error: It broke. [{kind.code}]\nhint: Mend it.\n"


@pytest.mark.parametrize(("kind", "status"), STATUSES, ids=[kind.__name__ for kind, _ in STATUSES])
def test_an_error_is_one_object_on_stdout_with_json(
    kind: type[errors.CoordError], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    found = boundary.run(raising(kind("It broke.", hint="Mend it.")), ["step", "claim", "--json"])

    captured = capsys.readouterr()
    assert found == status
    assert captured.err == ""
    assert json.loads(captured.out) == {"error": {"code": kind.code, "message": "It broke.", "hint": "Mend it."}}


def test_every_error_of_ours_has_a_status_that_is_tested_here() -> None:
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.CoordError)}

    untested = kinds - {kind for kind, _ in STATUSES} - {errors.CoordError, errors.BugError}

    assert untested == set()


@pytest.mark.parametrize("error", [ValueError("a \x1b[31mbad\x1b[0m value"), errors.BugError("It cannot be.")])
def test_a_bug_leaves_a_file_with_its_traceback(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    status = boundary.run(raising(error), ["step", "claim"])

    err = capsys.readouterr().err
    report = Path(err.strip().rpartition(" ")[2])
    text = report.read_text(encoding="utf-8")
    report.unlink()
    assert status == 3
    assert "\x1b" not in err
    assert "Traceback" in text
    assert "['step', 'claim']" in text


@pytest.mark.rule("SEC-2")
@pytest.mark.parametrize("words", [("--json",), ()], ids=["json", "text"])
def test_a_bug_report_and_what_is_said_of_it_have_no_password(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    url = "https://ann:x/s3cr3t word@host/r.git"

    boundary.run(raising(ValueError(f"unknown scheme in '{url}'")), ["init", "--remote", url, *words])

    captured = capsys.readouterr()
    (report,) = tmp_path.iterdir()
    text = report.read_text("utf-8")
    assert "s3cr3t" not in text + captured.out + captured.err
    assert "['init', '--remote', 'https://***@host/r.git'" in text
    assert "Traceback" in text


@pytest.mark.rule("SEC-2")
def test_what_the_parser_says_of_an_argument_has_no_password(capsys: pytest.CaptureFixture[str]) -> None:
    boundary.run(raising(typer.BadParameter("'https://ann:s3cr3t@host/r.git' is not a name")), [])

    assert "'https://***@host/r.git' is not a name" in capsys.readouterr().err


def test_a_bug_with_json_names_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    status = boundary.run(raising(KeyError("x")), ["--json"])

    found = json.loads(capsys.readouterr().out)["error"]
    assert (status, found["code"]) == (3, "bug")
    Path(found["report"]).unlink()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), typer.Abort()], ids=["ctrl-c", "no to a question"])
def test_an_interruption_is_130(error: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
    assert boundary.run(raising(error), []) == 130
    assert capsys.readouterr().err == "error: Interrupted. [interrupted]\n"


def test_text_of_others_in_an_error_cannot_reach_the_terminal_as_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    boundary.run(raising(errors.UsageError("a\x1b]0;title\x07b\u202ec\x9b31md.", hint="e\rf")), [])

    assert capsys.readouterr().err == "error: ab\N{REPLACEMENT CHARACTER}cd. [usage]\nhint: e f\n"


def test_calls_of_tools_are_said_as_commands(capsys: pytest.CaptureFixture[str]) -> None:
    error = errors.UsageError("It broke.", hint=sentence("Take it: ", Call.of("claim_step", step_id="app/1"), "."))

    boundary.run(raising(error), [])
    boundary.run(raising(error), ["--json"])

    captured = capsys.readouterr()
    assert captured.err.splitlines()[1] == "hint: Take it: `gitcoord step claim app/1`."
    assert json.loads(captured.out)["error"]["hint"] == "Take it: `gitcoord step claim app/1`."


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (OSError(errno.EROFS, "Read-only file system", "/r/.git/x"), 5, "'/r/.git/x' cannot be used: Read-only file"),
        (OSError(errno.ENOSPC, "No space left on device", "/r/.git/x"), 5, "'/r/.git/x' cannot be used: No space left"),
        (OSError(errno.EIO, "Input/output error", "/r/.git/x"), 3, "This is a bug in gitcoord"),
        (OSError(errno.EPERM, "Operation not permitted"), 3, "This is a bug in gitcoord"),
    ],
)
def test_a_path_that_this_process_may_not_use_is_no_bug(
    error: OSError, status: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert boundary.run(raising(error), []) == status
    assert said in capsys.readouterr().err
