"""What the documents say is true: ODD's tables equal the vocabulary, and every command, snippet, link and name in them works."""

import re
import shlex
import textwrap
import tomllib
from pathlib import Path

import numpy as np
import pytest
import yaml

from experiments.bench import page
from sim.commands.arguments import VERBS, parser_of
from sim.commands.cli import run_command
from sim.compose.expand import expand
from sim.engine.runs import simulate
from sim.names import BLOC, BLOC_RIVAL, CONTRIBUTIONS, MECHANISMS, QUANTITIES, ROUTE, STATE, STATE_BLOC, STATE_PEER, WEIGHT

ROOT = Path(__file__).resolve().parent.parent
DOCS = sorted(
    [*ROOT.glob("*.md"), *(file for folder in ("docs", "experiments", "notebooks") for file in (ROOT / folder).rglob("*.md"))]
)
ODD, GUIDE, README, USERS = (ROOT / name for name in ("ODD.md", "CONTRIBUTING.md", "README.md", "docs/guide.md"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

GROUPS = {
    "stocks": ("stock", None),
    "flows": ("flow", None),
    "measures": ("measure", None),
    "parameters of blocs": ("parameter", {(BLOC,)}),
    "parameters of states": ("parameter", {(STATE,)}),
    "parameters of a state and a bloc": ("parameter", {STATE_BLOC}),
    "parameters of pairs and routes": ("parameter", {STATE_PEER, BLOC_RIVAL, (ROUTE,)}),
    "scalars": ("scalar", None),
}
"""ODD's tables of quantities: the kind and axes of each one's rows."""
UNNAMED = {"contests": "the pulls of security and economy", "legacy": "the stock `legacy` in the pulls"}
"""What the weights multiply that stand beside no quantity."""
HELPERS = {"namespace", "product", "positive", "share_of"}
"""Functions of `sim.science.rules` that are arithmetic and no mechanism."""


def named(path):
    return str(path.relative_to(ROOT))


def quantities(title):
    kind, dims = GROUPS[title]
    return [q for q in QUANTITIES.values() if q.kind == kind and (dims is None or q.dims in dims)]


def expected(title):
    """The rows that a table of ODD must have, without the last cell of those that describe."""
    if title == "mechanisms":
        multiplied = {name: ", ".join(f"`{q.name}`" for q in QUANTITIES.values() if q.weight == name) for name in MECHANISMS}
        return [[f"`{name}`", what, multiplied[name] or UNNAMED[name]] for name, what in MECHANISMS.items()]
    weighted = GROUPS[title][0] in ("parameter", "scalar")
    return [
        [f"`{q.name}`", q.label, ", ".join(q.dims) or "-", q.unit, q.allowed, *([f"`{q.weight}`" if q.weight else "-"] * weighted)]
        for q in quantities(title)
    ]


def rows_of(title):
    """The rows of the table that follows a marker, header and rule left out."""
    _, found, after = ODD.read_text("utf-8").partition(f"<!-- table: {title} -->\n")
    assert found, f"ODD.md has no marker <!-- table: {title} -->"
    lines = after.split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def row(cells):
    return "| " + " | ".join(cells) + " |"


@pytest.mark.parametrize("title", [*GROUPS, "mechanisms"])
def test_odds_tables_equal_the_vocabulary(title):
    wanted, rows = expected(title), rows_of(title)
    place, fix = f"ODD.md, table '{title}'", "sim/names.py is right: paste its row over the other, or correct sim/names.py"
    for cells, there in zip(wanted, rows, strict=False):
        assert there[: len(cells)] == cells, f"{place}:\n  {row(there)}\nsim/names.py:\n  {row(cells)}\n{fix}"
        assert title not in GROUPS or (len(there) == len(cells) + 1 and there[-1]), (
            f"{place}: {cells[0]} has no meaning in its last cell"
        )
    assert len(rows) >= len(wanted), f"{place} lacks:\n" + "\n".join(f"  {row(cells)}" for cells in wanted[len(rows) :])
    assert len(rows) <= len(wanted), f"{place} has a row that names.py has not:\n  {row(rows[len(wanted)])}"


def test_every_quantity_has_a_table():
    placed = [q.name for title in GROUPS for q in quantities(title)]
    assert sorted(placed) == sorted(QUANTITIES), (
        f"no table, or two: {set(QUANTITIES) ^ set(placed)}; add a group to GROUPS and to ODD.md"
    )


def test_odd_gives_the_range_of_a_weight():
    assert f"Each weight lies in {WEIGHT.allowed};" in ODD.read_text("utf-8")


def test_odd_names_the_contributions_to_a_move_in_their_order():
    text = " ".join(ODD.read_text("utf-8").split())
    assert f"The contributions: {', '.join(f'`{name}`' for name in CONTRIBUTIONS)}." in text


def test_every_rule_is_described():
    text = "".join((ROOT / "sim" / "science" / name).read_text("utf-8") for name in ("rules.py", "roads.py"))
    rules = set(re.findall(r"^def ([a-z]\w*)\(", text, re.MULTILINE)) - HELPERS
    described = ODD.read_text("utf-8").partition("## Bibliography")[0]
    assert len(rules) > 30
    assert {rule for rule in rules if f"`{rule}`" not in described} == set(), "ODD.md describes every rule by its name"


def works(text):
    """The (first author, year) pairs that a line of sources cites."""
    for part in re.split(r"[;:]\s", text):
        found = re.match(r"(?:after )?((?:[A-Z][\w'-]+|de|&|,| )+?)(?: et al\.)? (\d{4})", part.strip())
        if found:
            yield re.split(r",| &", found[1])[0].strip(), found[2]


def test_every_source_of_the_code_is_in_the_bibliography():
    bibliography = ODD.read_text("utf-8").partition("## Bibliography")[2]
    cited = set()
    for file in sorted((ROOT / "sim").rglob("*.py")):
        for line in re.findall(r"^\s*Source: (.+)$", file.read_text("utf-8"), re.MULTILINE):
            cited |= {(author, year, file.name) for author, year in works(line)}
    assert len(cited) > 12
    for author, year, file in sorted(cited):
        there = re.search(rf"^- {author}, [^\n]*? {year}\. ", bibliography, re.MULTILINE)
        assert there, f"sim/{file} cites {author} {year}; ODD.md's bibliography has no line '- {author}, ... {year}. ...'"


def test_every_work_that_odd_cites_is_in_its_bibliography():
    text, _, bibliography = ODD.read_text("utf-8").partition("## Bibliography")
    cited = set(
        re.findall(
            r"((?:Bueno de )?[A-Z][A-Za-z]+)(?: & \w+| et al\.| Tengri)?(?:'s)? ((?:19|20)\d{2})\b(?!-)", " ".join(text.split())
        )
    )
    assert len(cited) > 15
    for author, year in sorted(cited):
        there = re.search(rf"^- {author}[^\n]*? {year}\. ", bibliography, re.MULTILINE)
        assert there, f"ODD.md cites {author} {year}; its bibliography has no line '- {author}, ... {year}. ...'"


# Commands and snippets ------------------------------------------------------------------------------------------------------


def blocks(path, language):
    """The fenced blocks of a language, freed of the indent of a list."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```", path.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(text) for _, text in found]


def command_lines(path):
    text = "\n".join(blocks(path, "bash")).replace("\\\n", " ")
    return [words for words in (shlex.split(line, comments=True) for line in text.splitlines()) if words]


COMMANDS = [(path, words) for path in DOCS for words in command_lines(path)]


def recipe(group):
    """The name and text of the file of a group that CONTRIBUTING writes out."""
    (text,) = (block for block in blocks(GUIDE, "yaml") if block.startswith(f"# mine/{group}/"))
    return re.match(rf"# mine/{group}/(\w+)\.yaml\n", text)[1], text


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to work in, with the files that CONTRIBUTING writes out."""
    for group in ("shock", "region"):
        name, text = recipe(group)
        (tmp_path / "mine" / group).mkdir(parents=True)
        (tmp_path / "mine" / group / f"{name}.yaml").write_text(text, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_readme_and_the_guides_show_commands():
    for path in (README, GUIDE, USERS):
        assert [words for file, words in COMMANDS if file == path and words[0] == "sim"], f"{named(path)} shows no sim command"
    for path in (README, GUIDE):
        assert [words for file, words in COMMANDS if file == path and words[0] == "make"], f"{named(path)} shows no make target"


def test_readme_fits_on_three_screens_and_shows_every_verb():
    lines = README.read_text("utf-8").splitlines()
    assert len(lines) <= 110, "details go into docs/guide.md"
    assert [line for line in lines if len(line) > 132] == []
    for path, row in ((README, "| `sim {} "), (USERS, "sim {} ")):
        assert [verb for verb in VERBS if row.format(verb) not in path.read_text("utf-8")] == [], named(path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", [shlex.split(found) for found in re.findall(r"^\| `(sim [^`]+)` \|", README.read_text("utf-8"), re.M)]
)
def test_every_command_of_readmes_table_can_be_typed(words, here, capsys):
    if words[1] in ("run", "sweep"):
        assert run_command([*words[1:], "--cfg", "job"]) == 0, capsys.readouterr().err
    else:
        parser_of(words[1]).parse_intermixed_args(words[2:])


def test_the_table_of_speed_is_put_into_the_guide_in_its_place():
    text = USERS.read_text("utf-8")
    head, _, rest = text.partition(page.TITLE)
    section, following, after = rest.strip("\n").partition("\n## ")
    assert "replicate-steps a second" in section
    assert page.placed(text, section.strip("\n")) == text
    assert page.placed(f"{text}\n## Next\n", "new") == f"{head}{page.TITLE}\nnew\n{following}{after}\n## Next\n"


@pytest.mark.slow
@pytest.mark.parametrize(("path", "words"), COMMANDS, ids=[f"{named(path)}: {shlex.join(words)}" for path, words in COMMANDS])
def test_every_command_can_be_typed(path, words, here, capsys):
    program, *rest = words
    if program == "make":
        targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
        assert [word for word in rest if "=" not in word and word not in targets] == [], f"the Makefile has {', '.join(targets)}"
    elif program == "sim" and rest[0] in ("run", "sweep"):
        code = run_command([*rest, *([] if "--cfg" in rest else ["--cfg", "job"])])
        assert code == 0, capsys.readouterr().err
        assert list(here.iterdir()) == [here / "mine"]
    elif program == "sim":
        assert rest[0] in VERBS
        parser_of(rest[0]).parse_intermixed_args(rest[1:])
    elif program in ("python", "python3"):
        scripts = [word for word in rest if word.endswith(".py")]
        assert scripts and all((ROOT / script).is_file() for script in scripts)
    else:
        assert program in ("source", "cd", "git", "pip"), f"{named(path)}: no test knows what {program} does"


@pytest.mark.slow
@pytest.mark.parametrize("path", [README, GUIDE, USERS], ids=named)
def test_every_python_snippet_runs(path, here):
    snippets = blocks(path, "python")
    assert snippets, f"{named(path)} has no python snippet"
    space = {"__name__": "snippet"}
    for number, snippet in enumerate(snippets, start=1):
        exec(compile(snippet, f"{named(path)}, python snippet {number}", "exec"), space)


def test_the_shock_of_the_recipe_is_short_and_moves_what_it_says(here):
    name, text = recipe("shock")
    assert len(text.splitlines()) <= 12
    ds = simulate(expand([f"shock=[],[{name}]", "replicates=1", "end=2028-01"], "mine"))
    (effect,) = yaml.safe_load(text)[name]["effects"].values()
    calm, struck = ds[effect["target"]].values[:, 0]
    moved = np.abs(struck - calm).max(axis=0) > 0
    where = {(str(ds.state.values[i]), str(ds.bloc.values[b])) for i, b in np.argwhere(moved)}
    assert {(state, effect["who"]["bloc"]) for state in effect["who"]["state"]} <= where


# Names, links and paths -----------------------------------------------------------------------------------------------------


def test_the_region_of_the_recipe_is_at_rest_and_runs(here):
    name, _ = recipe("region")
    said = [f"region={name}", "replicates=3", "end=2031-01"]
    assert expand(said, "mine")[0].config.region.label == "The straits"
    still = ["region.states.isle.volatility=0", "region.states.cape.volatility=0"]
    calm = simulate(expand([*said, *still], "mine"))["alignment"]
    assert float(abs(calm - calm.isel(time=0)).max()) < 1e-12
    assert float(simulate(expand(said, "mine"))["alignment"].std("replicate").max()) > 0.01


def test_the_record_names_a_shock_or_a_reason_for_each_event_and_leaves_out_no_shock_of_the_history():
    text = (ROOT / "docs" / "record.md").read_text("utf-8")
    rows = [row.strip("| ").split(" | ") for row in text.splitlines() if re.match(r"\| \d{4}-", row)]
    assert len(rows) > 80
    history = expand(["scenario=history"])[0].config
    told = set()
    for day, _, event, _, what in rows:
        shocks = re.findall(r"`(\w+)`", what)
        assert shocks or re.match(r"left out: \w+", what), event
        told |= set(shocks)
        for name in shocks:
            moments = [moment for effect in history.shock[name].effects.values() for moment in (effect.date, effect.until)]
            days = [np.datetime64(date) for moment in moments if moment for date in re.findall(r"\d{4}-\d\d-\d\d", str(moment))]
            assert min(abs((np.datetime64(day) - date).astype(int)) for date in days) < 60, event
    assert told == set(history.shock)
    shipped = {file.stem for group in ("shock", "scenario") for file in (ROOT / "configs" / group).glob("*.yaml")}
    assert {name for name in re.findall(r"^\| [^|]+ \| `(?:scenario=)?(\w+)` \|$", text, re.MULTILINE)} <= shipped


@pytest.mark.parametrize("path", DOCS, ids=named)
def test_every_link_and_file_name_leads_somewhere(path):
    text = path.read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:|#", link)]
    lost = [link for link in links if not (path.parent / link.partition("#")[0]).exists()]
    files = set(re.findall(r"`((?:sim|tests|configs|experiments|notebooks|docs|\.ci)/[\w./*]*)`", text))
    lost += sorted(file for file in files if not (any(ROOT.glob(file)) if "*" in file else (ROOT / file).exists()))
    assert lost == [], f"{named(path)} names what is not there"


@pytest.mark.parametrize("path", DOCS, ids=named)
def test_every_row_of_a_table_has_a_cell_for_each_of_its_heads(path):
    prose = re.sub(r"^```.*?^```$", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    for table in re.findall(r"(?:^\|.*\n)+", prose, re.MULTILINE):
        lines = table.splitlines()
        cells = [len(re.split(r"(?<!\\)\|", line.removeprefix("|").removesuffix("|"))) for line in lines]
        wrong = [line for line, count in zip(lines, cells, strict=True) if count != cells[0]]
        assert wrong == [], f"{named(path)}: unlike {lines[0]}"


@pytest.mark.parametrize("path", [*DOCS, ROOT / "CITATION.cff"], ids=named)
def test_no_document_holds_a_path_of_a_machine(path):
    assert re.findall(r"(?<![\w.:/])/(?:home|root|work|tmp|Users)\b\S*|\b[A-Z]:\\\S*", path.read_text("utf-8")) == []


def test_the_citation_is_whole_and_of_this_version():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert cited["cff-version"] == "1.2.0"
    assert cited["title"] == PROJECT["project"]["name"]
    assert cited["version"] == PROJECT["project"]["version"]
    assert cited["license"] == PROJECT["project"]["license"]
    assert cited["authors"] == [{"name": "The regional-influence authors"}]
    assert cited["message"] and cited["abstract"]


def test_every_change_says_what_it_changes():
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert PROJECT["project"]["version"] in re.findall(r"^## .*?(\d+\.\d+\.\d+)", text, re.MULTILINE)
    entries = re.findall(r"^- .+$", text, re.MULTILINE)
    assert entries
    assert [entry for entry in entries if not re.match(r"- (\[results\]|\[interface\])", entry)] == []
