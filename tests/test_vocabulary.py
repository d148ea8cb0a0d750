"""The words of the project are the field's: nothing that a person reads holds a retired one; the glossary has each term once."""

import ast
import re

import pytest
from conftest import ROOT

from sim.commands.arguments import VERBS, parser_of, top_parser
from sim.config.suggest import RETIRED, likely

WORDS = {
    r"\bluck(?:y|s|ily)?\b": "random draws, noise, common random numbers",
    r"\bchances?\b": "random draws, probability",
    r"(?<!rest of the )\bworlds?\b(?! Politics| Bank)": "replicate",
    r"\bcompany\b": "peer influence",
    r"\bcalm(?:er)? (?:world|region|replicate)s?\b": "no-shock equilibrium",
    r"\bcards?\b": "GPU",
    r"\b(?:both|two) faces\b": "implementations",
    r"\bstrikers?\b|\b(?:strikes?|struck) (?:a |the )?(?:stock|disposition|alignment)s?\b": "impulse",
    r"\bpush(?:es|ed)?\b": "forcing, impulse",
    r"\btold\b": "reported, stated, named",
    r"\bsaid\b": "given, stated, named",
    r"\bcomes? to\b|\bcame to\b": "is, amounts to",
    r"\bkeep=": "record=",
    r"\b(?:of (?:one|another|the same)|other) making\b": "software versions",
    r"\bparts? of (?:a |an |the |each |every |its |their |all )?moves?\b": "contributions",
    r"\bnudges?\b": "small disturbance",
}
"""Words that no reader of the field would understand as they were meant, each with what is written instead."""
IN_CODE = {r"\b(?:stands?|stood)\b": "is, lies, holds"}
"""Words that are retired in docstrings, messages and help only."""
PAGES = [*(ROOT / name for name in ("README.md", "ODD.md", "CONTRIBUTING.md")), *sorted((ROOT / "docs").glob("*.md"))]
PAGES += [ROOT / "experiments" / "README.md"]
NOT_READ = re.compile(
    r"^ *```.*?^ *```$|`[^`\n]*`|^ *>>> [^\n]*\n[^\n]*$|^ *\w+ : [^\n]*$|^ *\w+(?:, \w+)+(?: : [^\n]*)?$", re.MULTILINE | re.DOTALL
)
"""Code in a page or docstring, and names of parameters with their types."""


KEYS = {"luck of states"}
"""Names of random streams, which no reader sees and no release changes."""


def retired(text, words=WORDS):
    """The retired words of a text, each with its neighbours."""
    flat = " ".join(text.split())
    return [
        flat[max(0, found.start() - 30) : found.end() + 30] for word in words for found in re.finditer(word, flat, re.IGNORECASE)
    ]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_page_holds_a_retired_word(path):
    assert retired(NOT_READ.sub(" ", path.read_text("utf-8"))) == []


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_no_help_holds_a_retired_word(verb):
    assert retired((parser_of(verb) if verb else top_parser()).format_help(), WORDS | IN_CODE) == []


def strings(path):
    """The docstrings and messages of a module: all text of several words."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip() and node.value not in KEYS:
            yield node.lineno, NOT_READ.sub(" ", node.value)


@pytest.mark.parametrize("package", sorted({path.parent for path in (ROOT / "sim").rglob("*.py")}), ids=lambda path: path.name)
def test_no_docstring_message_or_caption_holds_a_retired_word(package):
    found = [
        f"{path.name}:{line}: {word}"
        for path in sorted(package.glob("*.py"))
        for line, text in strings(path)
        for word in retired(text, WORDS | IN_CODE)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("text", "count"), [("on the same luck as every world", 2), ("the rest of the world", 0), ("Luck of the draw", 1)]
)
def test_a_retired_word_is_seen(text, count):
    assert len(retired(text)) == count


def test_the_glossary_has_each_term_once():
    rows = re.findall(r"^\| ([^|]+?) \| [^|]+ \|$", (ROOT / "docs" / "glossary.md").read_text("utf-8"), re.MULTILINE)
    terms = [term for term in rows if term not in ("term", "---")]
    assert len(terms) > 30 and len(terms) == len(set(terms))
    assert "docs/glossary.md" in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize(("old", "new"), RETIRED.items())
def test_an_old_word_gets_the_new_one(old, new):
    assert likely(old, [new, "another"]) == new
