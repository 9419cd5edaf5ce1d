"""Which files a command or a patch is about to change, as far as its text tells."""

import pytest

from gitcoord.faces.hooks.edit.shell_commands import files_of

PATCH = "*** Begin Patch\n*** Update File: src/x.py\n@@\n-rm a\n+rm b\n*** Add File: n.py\n*** End Patch"


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("echo hi > src/a.py", ["src/a.py"]),
        ("echo hi >> 'a b.txt'", ["a b.txt"]),
        ("make 2>&1 | tee -a out.log", ["out.log"]),
        ("rm -f a b 2>/dev/null && mv x y", ["a", "b", "x", "y"]),
        ("rm -- -odd", []),
        ("cp a b/c; cp only", ["b/c"]),
        ("sed -i 's/a/b/' src/a.ts src/b.ts", ["src/a.ts", "src/b.ts"]),
        ("sed -i -e s/a/b/ f.txt", ["f.txt"]),
        ("sed 's/a/b/' f.txt", []),
        ("perl -pi -e 's/a/b/' z.pl", ["z.pl"]),
        ("FOO=1 sudo touch c", ["c"]),
        ("git rm -r old; git mv a b; git checkout -- x.py; git checkout main", ["old", "a", "b", "x.py"]),
        ("cd lib && rm a /abs; cd .. && rm b", ["lib/a", "/abs", "lib/../b"]),
        ("(cd lib && rm a) && rm b; $(cd x; rm c); rm d", ["lib/a", "b", "x/c", "d"]),
        ("(cd a; (cd b; rm c); rm d)); rm e", ["a/b/c", "a/d", "e"]),
        ("cd $WHERE && rm a /abs", ["/abs"]),
        ("for f in *.py; do sed -i s/a/b/ $f; done; rm *.o", []),
        ("cat <<'EOF' > out.txt\nrm zzz\nEOF\ntouch q", ["out.txt", "q"]),
        ("rm a # don't\nrm b\n# it's\nrm c", ["a", "b", "c"]),
        ("echo 'a # b' > f; echo 'rm x'", ["f"]),
        ("if true; then rm m; fi; (rm k)", ["m", "k"]),
        ("rm before; echo 'unclosed > a", ["before"]),
        ("npm test && python -m pytest", []),
        ("ruff format src/a.py && uv run ruff check --fix b.py", ["src/a.py", "b.py"]),
        ("black -l 100 --config pyproject.toml a.py; python3 -m black b.py", ["a.py", "b.py"]),
        ("npx --yes prettier --write 'src/a b.ts' README.md", ["src/a b.ts", "README.md"]),
        ("gofmt -w main.go; goimports -w ./cmd/x.go; rustfmt src/lib.rs", ["main.go", "./cmd/x.go", "src/lib.rs"]),
        ("pnpm exec eslint --fix web/a.js; clang-format -i a.cc", ["web/a.js", "a.cc"]),
        ("ruff format --check a.py; black --diff a.py; prettier a.ts; gofmt -l a.go; eslint a.js; ruff check a.py", []),
        ("ruff format . && black src tests && prettier --write .", []),
        (PATCH, ["src/x.py", "n.py"]),
        (f"apply_patch <<'EOF'\n{PATCH}\nEOF", ["src/x.py", "n.py"]),
        ("", []),
    ],
)
def test_the_files_that_a_text_changes(text: str, files: list[str]) -> None:
    assert files_of(text) == files


def test_a_text_of_any_size_is_read_in_bounded_time() -> None:
    assert files_of("x" * 50_000_000 + " > a") == []
    assert files_of("cd a;" * 20_000 + "rm x;" * 20_000) == []
    assert files_of("' # " + "# " * 99_000) == []
