"""The module map in CONTRIBUTING, and figures of the structure of imports.

`python -m experiments.structure` prints the figures of this checkout and writes the map; with another checkout's folder it only
prints the figures of that one.
"""

import ast
import graphlib
import re
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
GUIDE = ROOT / "CONTRIBUTING.md"
TITLE = "## Module map"
PACKAGE = "sim"
STARTS = 5
"""How often an import is timed; the fastest counts, as other load only makes it slower."""


class Shape(NamedTuple):
    """The figures of a package."""

    modules: int
    lines: int
    floors: int
    """Modules on the longest chain of imports, or 0 where some import each other."""
    package_floors: int
    arrows: int
    package_arrows: int
    circle: tuple[str, ...]
    longest_module: tuple[str, int]
    longest_function: tuple[str, int]

    def __str__(self) -> str:
        """The figures as lines of text."""
        rows = {
            "modules": self.modules,
            "lines": self.lines,
            "layers of modules": self.floors,
            "layers of packages": self.package_floors,
            "imports between modules": self.arrows,
            "imports between packages": self.package_arrows,
            "import cycle": " -> ".join(self.circle) or "none",
            "longest module": f"{self.longest_module[0]}, {self.longest_module[1]} lines",
            "longest function": f"{self.longest_function[0]}, {self.longest_function[1]} lines",
        }
        return "\n".join(f"{name}: {value}" for name, value in rows.items())


def modules_of(root: Path) -> dict[str, Path]:
    """The modules of the package by their dotted names; an `__init__` by that of its package."""
    found = {}
    for file in sorted((root / PACKAGE).rglob("*.py")):
        parts = file.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def imports_of(root: Path) -> dict[str, set[str]]:
    """For each module the others of the package that it imports, also inside functions, not for types only."""
    modules = modules_of(root)
    found: dict[str, set[str]] = {}
    for name, file in modules.items():
        named = (word for node in _running(ast.parse(file.read_text("utf-8"))) for word in _imported(node, modules))
        found[name] = set(named) - {name}
    return found


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those under `if TYPE_CHECKING`."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING"):
            yield from _running(child)


def _imported(node: ast.AST, modules: dict[str, Path]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in modules)
    elif isinstance(node, ast.ImportFrom) and node.module:
        for alias in node.names:
            inner = f"{node.module}.{alias.name}"
            if inner in modules or node.module in modules:
                yield inner if inner in modules else node.module


def package_of(module: str) -> str:
    """The package of a module; a module at the root is its own."""
    return ".".join(module.split(".")[:2])


def floors(imports: dict[str, set[str]]) -> dict[str, int]:
    """The layer of each module: 1 where it imports none, else one above the highest that it imports.

    Raises
    ------
    graphlib.CycleError
        Where some import each other.
    """
    found: dict[str, int] = {}
    for name in graphlib.TopologicalSorter(imports).static_order():
        found[name] = 1 + max((found[other] for other in imports[name]), default=0)
    return found


def circle_of(imports: dict[str, set[str]]) -> tuple[str, ...]:
    """Modules of an import cycle; empty where there is none."""
    try:
        floors(imports)
    except graphlib.CycleError as error:
        return tuple(error.args[1])
    return ()


def shape(root: Path) -> Shape:
    """The figures of the package of a checkout."""
    imports, modules = imports_of(root), modules_of(root)
    packages: dict[str, set[str]] = {}
    for name, others in imports.items():
        packages.setdefault(package_of(name), set()).update(package_of(other) for other in others)
    packages = {name: others - {name} for name, others in packages.items()}
    circle = circle_of(imports)
    texts = {name: file.read_text("utf-8") for name, file in modules.items()}
    lengths = {name: len(text.splitlines()) for name, text in texts.items()}
    functions = {
        f"{name}.{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for name, text in texts.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
    }
    return Shape(
        len(modules),
        sum(lengths.values()),
        0 if circle else max(floors(imports).values()),
        0 if circle_of(packages) else max(floors(packages).values()),
        sum(map(len, imports.values())),
        sum(map(len, packages.values())),
        circle,
        max(lengths.items(), key=lambda pair: pair[1]),
        max(functions.items(), key=lambda pair: pair[1], default=("", 0)),
    )


def seconds_of(root: Path, *words: str) -> float:
    """The seconds of a new interpreter for some arguments, less those of its start; the least of several runs."""

    def least(words: tuple[str, ...]) -> float:
        took = []
        for _ in range(STARTS):
            begun = time.perf_counter()
            subprocess.run([sys.executable, *words], check=True, cwd=root, stdout=subprocess.DEVNULL)
            took.append(time.perf_counter() - begun)
        return min(took)

    return least(words) - least(("-c", ""))


def says(file: Path) -> str:
    """The first line of the docstring of a module."""
    return (ast.get_docstring(ast.parse(file.read_text("utf-8"))) or "").splitlines()[0].rstrip(".")


def drawing(root: Path = ROOT) -> str:
    """The packages from the top layer down, as the contract of `pyproject.toml` orders them, and the modules of each."""
    contracts = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    imports, modules = imports_of(root), modules_of(root)
    ranks = floors(imports)
    lines = ["```text"]
    for layer in layers:
        names = layer.split(" | ")
        lines.append("   |   ".join(names).center(72).rstrip())
    lines += ["```", ""]
    for layer in layers:
        for name in (name for name in layer.split(" | ") if f"{PACKAGE}.{name}" in modules):
            own = f"{PACKAGE}.{name}"
            inside = sorted((other for other in modules if other.startswith(f"{own}.")), key=lambda other: (-ranks[other], other))
            if inside:
                lines += [f"**`sim/{name}/`**: {says(modules[own])}.", "", "| module | what is there |", "|---|---|"]
                lines += [f"| `{other.rpartition('.')[2]}` | {says(modules[other])} |" for other in inside]
                lines.append("")
    alone = [name for layer in reversed(layers) for name in layer.split(" | ") if not (root / PACKAGE / name).is_dir()]
    lines += ["**Beside them**:", "", "| module | what is there |", "|---|---|"]
    lines += [f"| `{name}` | {says(modules[f'{PACKAGE}.{name}'])} |" for name in alone]
    return "\n".join(lines)


def drawn(text: str, picture: str) -> str:
    """CONTRIBUTING with the module map replaced: between the text under its title and the next title."""
    head, _, rest = text.partition(f"{TITLE}\n")
    said, _, rest = rest.partition("```text")
    _, _, after = rest.partition("\n## ")
    return f"{head}{TITLE}\n{said}{picture}\n\n## {after}"


def main() -> None:
    """Print the figures, and write the map where no other checkout is named."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    print(shape(root))
    print(f"import {PACKAGE}: {seconds_of(root, '-c', f'import {PACKAGE}'):.3f} s beyond starting Python")
    print(f"{PACKAGE} --help: {seconds_of(root, '-m', PACKAGE, '--help'):.3f} s beyond starting Python")
    if root == ROOT:
        GUIDE.write_text(drawn(GUIDE.read_text("utf-8"), drawing()), "utf-8")
        text = re.findall(r"^\| `\w+` \|", drawing(), re.MULTILINE)
        print(f"drawn: {GUIDE.name}, {len(text)} modules")


if __name__ == "__main__":
    main()
