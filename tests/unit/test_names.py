"""Names and places of the package: folders that can be read over, nouns, one meaning a name, imports one way."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "gitcoord"
MODULES_MAX = 20  # what a reader takes in at a look

# Module -> the reason that its name is no gerund.
NOUNS_IN_ING: dict[str, str] = {
    "last_listing": "a listing is a list of refs, as of `git ls-remote`",
    "pending": "an adjective that stands for the swaps it is said of",
    "spelling": "a noun of its own: how a word is written",
}

_SESSION = "gitcoord.service.session."
# Modules that know each other where only a type checker looks -> the reason that they are not one way.
CIRCLES_OF_TYPES: dict[tuple[str, ...], str] = {
    (
        f"{_SESSION}fences",
        f"{_SESSION}freshness",
        f"{_SESSION}workspace",
    ): "what a workspace does, in files of its own",
}

Graph = Mapping[str, set[str]]


def crowded(*roots: Path) -> list[str]:
    """List the folders with more modules than a reader takes in."""
    folders = [folder for root in roots for folder in (root, *root.rglob("*")) if folder.is_dir()]
    counts = {folder: len([*folder.glob("*.py")]) for folder in folders}
    return [f"{folder.name} has {count} modules" for folder, count in sorted(counts.items()) if count > MODULES_MAX]


def gerunds(package: Path) -> set[str]:
    return {path.stem for path in package.rglob("*.py") if path.stem.endswith("ing")}


def shared_names(names: Iterable[tuple[str, str]]) -> list[str]:
    """List the names that stand at several places. `names`: each with where it stands."""
    places: dict[str, list[str]] = defaultdict(list)
    for name, place in sorted(names):
        places[name].append(place)
    return [f"{name}: {', '.join(where)}" for name, where in places.items() if len(where) > 1]


def layers(package: Path) -> list[Path]:
    """Return the folders in which a name has one meaning: each layer, and each face."""
    folders = [
        folder for folder in package.iterdir() if folder.is_dir() and folder.name not in ("faces", "__pycache__")
    ]
    faces = package / "faces"
    return [*folders, *(folder for folder in faces.glob("*") if folder.is_dir() and folder.name != "__pycache__")]


def modules_of(layer: Path) -> Iterator[tuple[str, str]]:
    for path in layer.rglob("*.py"):
        if not path.stem.startswith("__"):
            yield path.stem, path.relative_to(layer).as_posix()


def classes_of(layer: Path) -> Iterator[tuple[str, str]]:
    """Yield the classes; one that is private is the same word to a reader."""
    for path in layer.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                yield node.name.lstrip("_"), path.relative_to(layer).as_posix()


def imports(package: Path, *, for_types: bool) -> Graph:
    """Return which module imports which, inside functions too; `for_types`: also what only a type checker reads."""
    paths = {_dotted(package, path): path for path in package.rglob("*.py")}
    trees = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in paths.items()}
    return {name: {*_imported(tree, paths.keys(), for_types=for_types)} for name, tree in trees.items()}


def _dotted(package: Path, path: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(tree: ast.AST, known: Iterable[str], *, for_types: bool) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if not for_types and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            inner = {alias.name: f"{node.module}.{alias.name}" for alias in node.names}
            yield from (name for name in inner.values() if name in known)
            if node.module in known and any(name not in known for name in inner.values()):
                yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        yield from _imported(node, known, for_types=for_types)


def circles(graph: Graph) -> list[list[str]]:
    """Return the groups of modules each of which reaches the others."""
    reached = {name: _reached(graph, name) for name in graph}
    groups = {frozenset(other for other in reached[name] if name in reached[other]) for name in graph}
    return sorted(sorted(group) for group in groups if group)


def _reached(graph: Graph, start: str) -> set[str]:
    found, left = set[str](), [*graph.get(start, ())]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += graph.get(name, ())
    return found


def test_every_folder_can_be_read_over() -> None:
    assert crowded(PACKAGE, ROOT / "tests") == []


def test_every_module_is_named_by_a_noun() -> None:
    assert gerunds(PACKAGE) == NOUNS_IN_ING.keys()


@pytest.mark.parametrize("layer", layers(PACKAGE), ids=lambda layer: layer.name)
def test_a_module_and_a_class_have_a_name_of_their_own_in_their_layer(layer: Path) -> None:
    assert shared_names(modules_of(layer)) == []
    assert shared_names(classes_of(layer)) == []


def test_no_module_imports_one_that_is_built_on_it() -> None:
    assert circles(imports(PACKAGE, for_types=False)) == []
    assert circles(imports(PACKAGE, for_types=True)) == [[*modules] for modules in CIRCLES_OF_TYPES]


def test_what_breaks_a_rule_of_names_is_found(tmp_path: Path) -> None:
    package = tmp_path / "pkg"
    package.mkdir()
    (package / "asking.py").write_text("class Plan:\n    class _Row: ...\n\ndef late():\n    from pkg import one\n")
    (package / "one.py").write_text("from pkg.asking import late\nclass _Plan: ...\n")
    (package / "two.py").write_text(
        "from typing import TYPE_CHECKING\nimport pkg.one\nif TYPE_CHECKING:\n    import pkg.two\n"
    )
    for number in range(MODULES_MAX + 1):
        (tmp_path / "crowd").mkdir(exist_ok=True)
        (tmp_path / "crowd" / f"m{number}.py").touch()

    assert crowded(tmp_path) == [f"crowd has {MODULES_MAX + 1} modules"]
    assert gerunds(package) == {"asking"}
    assert shared_names(classes_of(package)) == ["Plan: asking.py, one.py"]
    (package / "three.py").write_text("import pkg.four\n")
    (package / "four.py").write_text("TYPE_CHECKING = False\nif TYPE_CHECKING:\n    from pkg.three import x\n")
    assert circles(imports(package, for_types=False)) == [["pkg.asking", "pkg.one"]]
    assert ["pkg.four", "pkg.three"] in circles(imports(package, for_types=True))
