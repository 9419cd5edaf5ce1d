"""The languages whose definitions can be read: by which names their files go, which grammar and queries read them.

Rules:
  * A language is a row of this table and a query in `queries/`; no code is written for one language.
  * Grammars are imported when a file of the language is first read, because most commands read none.
  * Each grammar is a wheel of its own: 35 MB in all, for Linux and macOS on both processors. tree-sitter-language-pack
    0.13 has 192 MB of grammars that are not needed here, and 1.x fetches grammars from the network at run time.

A query names what it finds by its captures:
  * `@function`, `@type`, `@namespace`, `@data`: the whole declaration. Of several matches for one name the widest
    counts, so that a pattern can add what is around it (`export`, a decorator, `template <…>`).
  * `@name`: its name as it is written; `@path`: a qualified name, which also gives ancestors (`A::b`); `@declarator`: a
    declarator as C has them, with the name somewhere inside.
  * `@parent`: an ancestor that the name does not say: the receiver of a method.
  * `@lead`: a keyword that belongs to the declaration where nothing but blanks is between them.
  * `@is.word.other`, `@not.word`: the text of the node must, or must not, be one of these words. tree-sitter's own
    predicates are not used: their reading of text through our callback has crashed the process in several releases.
  * `@above`: what belongs to the declaration that follows it directly: comments, attributes, decorators.
"""

import importlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tree_sitter import Language as Grammar
    from tree_sitter import Query

_QUERIES = Path(__file__).parent / "queries"


class Language(NamedTuple):
    """One row of the table.

    Attributes:
        endings: what names of its files end with, in lower case.
        module: the grammar's module.
        queries: the files of `queries/` that make its query; languages of one family share one.
        function: the function of the module that returns the grammar.
    """

    name: str
    endings: tuple[str, ...]
    module: str
    queries: tuple[str, ...]
    function: str = "language"


LANGUAGES = (
    Language("Python", (".py", ".pyi", ".pyw"), "tree_sitter_python", ("python",)),
    Language(
        "TypeScript",
        (".ts", ".mts", ".cts"),
        "tree_sitter_typescript",
        ("ecmascript", "typescript"),
        "language_typescript",
    ),
    Language("TSX", (".tsx",), "tree_sitter_typescript", ("ecmascript", "typescript"), "language_tsx"),
    Language("JavaScript", (".js", ".mjs", ".cjs"), "tree_sitter_javascript", ("ecmascript", "javascript")),
    Language("JSX", (".jsx",), "tree_sitter_javascript", ("ecmascript", "javascript")),
    Language("Go", (".go",), "tree_sitter_go", ("go",)),
    Language("Rust", (".rs",), "tree_sitter_rust", ("rust",)),
    Language("Java", (".java",), "tree_sitter_java", ("java",)),
    Language("C", (".c",), "tree_sitter_c", ("c",)),
    # A header may be C or C++; the grammar of C++ reads the declarations of both.
    Language(
        "C++",
        (".cc", ".cpp", ".cxx", ".c++", ".h", ".hh", ".hpp", ".hxx", ".h++", ".ipp", ".tpp"),
        "tree_sitter_cpp",
        ("c", "cpp"),
    ),
    Language("C#", (".cs",), "tree_sitter_c_sharp", ("c_sharp",)),
    Language("Ruby", (".rb", ".rake", ".gemspec", "/rakefile", "/gemfile"), "tree_sitter_ruby", ("ruby",)),
    Language("PHP", (".php", ".phtml"), "tree_sitter_php", ("php",), "language_php"),
    Language("Kotlin", (".kt", ".kts"), "tree_sitter_kotlin", ("kotlin",)),
    Language("Swift", (".swift",), "tree_sitter_swift", ("swift",)),
    Language("Scala", (".scala", ".sc"), "tree_sitter_scala", ("scala",)),
    Language("Bash", (".sh", ".bash"), "tree_sitter_bash", ("bash",)),
)
_BY_ENDING = {ending: language for language in LANGUAGES for ending in language.endings}


def language_of(path: str) -> Language | None:
    """Return the language of a file by its name."""
    name = "/" + path.replace("\\", "/").lower().rpartition("/")[2]
    return _BY_ENDING.get(name) or _BY_ENDING.get("." + name.rpartition(".")[2])


@cache
def load(language: Language) -> "tuple[Grammar, Query] | None":
    """Return grammar and query of a language; `None`: the grammar is not installed, or not one that this can use."""
    try:
        from tree_sitter import Language as Grammar  # see the rules above
        from tree_sitter import Query

        function: Callable[[], object] = getattr(importlib.import_module(language.module), language.function)
        grammar = Grammar(function())
        return grammar, Query(grammar, query_text(language))
    # Of another ABI, or of another release whose nodes the query does not name (QueryError is a ValueError).
    except (ImportError, AttributeError, ValueError):
        return None


def query_text(language: Language) -> str:
    """Return the query of a language."""
    return "\n".join((_QUERIES / f"{name}.scm").read_text(encoding="utf-8") for name in language.queries)
