"""Harmless attacks by files and arguments: to run code, to read the environment, to lead out of a folder.

One table for `sim` and for `experiments/run.py`. Code that ran would create an empty file; a read would print the canary, the value
of an environment variable that no program reads.
"""

import itertools
import json
from typing import NamedTuple

CANARY_VARIABLE, CANARY = "SIM_CANARY", "canary-7f3a"
MADE = "made-by-a-probe"
"""The file that a probe would create, next to the folder in which the command is called."""
WHOLE = "# @package _global_\n"
LABEL = "scenario: {name: own, label: Own}\n"
CALM = "defaults:\n  - /shock: []\n"
MAKER = f"{{_target_: builtins.open, file: ../{MADE}, mode: w}}"
"""A node that would create that file if Hydra instantiated it."""
LOG = f"{{version: 1, handlers: {{f: {{class: logging.FileHandler, filename: ../{MADE}}}}}, root: {{handlers: [f]}}}}"


class Probe(NamedTuple):
    """Files of a user's folder by their paths, and the arguments of a command that would use them."""

    files: dict[str, str]
    said: tuple[str, ...]


def _own(group: str, text: str) -> Probe:
    """A file of a group with some text, and the override that selects it."""
    return Probe({f"{group}/own.yaml": text}, ("shock=[own]" if group == "shock" else f"{group}=own",))


def _whole(text: str, group: str = "scenario") -> Probe:
    return _own(group, WHOLE + text)


NODES = (
    f"callbacks: {{c: {MAKER}}}",
    f"job_logging: {LOG}",
    f"hydra_logging: {LOG}",
    f"launcher: {MAKER}",
    f"sweeper: {MAKER}",
    f"run: {{dir: ../{MADE}}}",
    f"sweep: {{dir: .., subdir: {MADE}}}",
    f"output_subdir: ../{MADE}",
    "searchpath: ['file:///', 'pkg://experiments']",
    "job: {env_set: {PYTHONPATH: ..}, chdir: true}",
    "mode: MULTIRUN",
)
"""Settings of Hydra's own that would make it act."""
PAYLOADS = (
    f"label: {MAKER}",
    f"x: {MAKER}",
    f"x: [{MAKER}]",
    f"x: {{within: {{it: {MAKER}}}}}",
    "_target_: builtins.open",
    "_partial_: true",
    "_args_: [x]",
    "_recursive_: false",
    "_convert_: all",
    f"x: !!python/object/apply:builtins.open [../{MADE}, w]",
    f"x: !!python/object/new:builtins.open [../{MADE}, w]",
    "x: !!python/name:builtins.open ''",
    "x: !!python/module:antigravity ''",
    "x: !!binary AAAA",
    "x: !include other.yaml",
    "x: !ENV SIM_CANARY",
    "x: &a {y: *a}",
    "<<: {label: x}",
    "? [a, b]\n: c",
    "x: ${oc.create:{a: 1}}",
    "x: ${hydra:runtime.cwd}",
    "x: ${now:%Y}",
    "x: ${eval:1}",
    f"hydra.run.dir: ../{MADE}",
    "'hydra/launcher': basic",
    f"'@hydra': {MAKER}",
    "defaults@hydra: [basic]",
)
"""Lines of a file that some readers would execute or convert."""
PACKAGES = (
    "# @package hydra\n",
    "# @package hydra.callbacks.own\n",
    "# @package _global_.hydra\n",
    "# @package _group_\n",
    "#@package hydra\n",
    "#   @package   hydra\n",
    "\n\n# @package hydra\n",
    "# @package _GLOBAL_\n",
    "# @package _global_ hydra\n",
    "# @package _global_\n# @package hydra\n",
    "# @other x\u2028# @package hydra\n",
    "# @other x\r# @package hydra\n",
    "# @other x\x0c# @package hydra\n",
    "\ufeff# @package hydra\n",
)
LISTED = (
    "/hydra/launcher: basic",
    "override /hydra/launcher: basic",
    "override hydra/job_logging: disabled",
    "hydra/callbacks: own",
    "optional /hydra/launcher: own",
    "optional /scenario: own",
    "/hydra: default",
    "/shock@hydra.callbacks: [raid]",
    "/scenario@_global_.hydra: own",
    "override /scenario@hydra: own",
    "/hydra/job_logging@_global_: disabled",
    "/config: x",
    "'': x",
)
"""Entries of lists of defaults that include something other than a file of a group."""
STRAY = (
    "hydra/launcher/own.yaml",
    "hydra/callbacks/own.yaml",
    "hydra/config.yaml",
    "Hydra/job_logging/own.yaml",
    "config.yaml",
    "other.yaml",
    "config.yml",
    "shock/below/own.yaml",
    "scenario/hydra/own.yaml",
    "shock/own.yml",
    "shock/own.YAML",
)
"""Files in places where only Hydra would look."""
HYDRAS = (
    ("--config-path", "mine"),
    ("-cp", "mine"),
    ("--config-name", "other"),
    ("-cn", "../mine/other"),
    ("--config-n=other",),
    ("--experimental-rerun", "config.pickle"),
    ("hydra.searchpath=[mine]",),
    ("+hydra.searchpath=['file://mine']",),
    ("++hydra.searchpath=['pkg://mine']",),
    ("hydra={searchpath: [mine]}",),
    ("shock@hydra.callbacks=[raid]",),
    ("+hydra/callbacks@own=x",),
    ("hydra/launcher=../../mine/own",),
    ("hydra/launcher/below=own/../../x",),
)
"""Arguments of a command that include unchecked files."""


def code_probes() -> list[Probe]:
    """Probes that would run code: rejected before anything is imported or created."""
    groups = ("scenario", "study", "region", "dynamics", "engine", "shock")
    found = [_whole(f"hydra: {{{node}}}\n{LABEL}") for node in NODES]
    found += [_own(group, f"{head}hydra: {{{NODES[0]}}}\n") for group in groups for head in ("", WHOLE)]
    found += [_whole(f"{payload}\n{LABEL}") for payload in PAYLOADS]
    found += [_own("scenario", f"{package}callbacks: {{c: {{label: x}}}}\n") for package in PACKAGES]
    found += [_whole(f"defaults:\n  - {{{entry}}}\n{LABEL}") for entry in LISTED]
    found += [Probe({"scenario/calm.yaml": WHOLE + CALM + LABEL, path: f"label: {MAKER}\n"}, ("scenario=calm",)) for path in STRAY]
    return found + [Probe({"scenario/calm.yaml": WHOLE + CALM + LABEL, "other.txt": "x"}, words) for words in HYDRAS]


READS = (
    f"${{oc.env:{CANARY_VARIABLE}}}",
    f"${{oc.env:{CANARY_VARIABLE},x}}",
    f"${{env:{CANARY_VARIABLE}}}",
    f"x ${{oc.env:{CANARY_VARIABLE}}} y",
    f"$${{oc.env:{CANARY_VARIABLE}}}",
    f"${{oc.decode:${{oc.env:{CANARY_VARIABLE}}}}}",
    f"${{hydra:job.env_set.{CANARY_VARIABLE}}}",
    "${file:secret.txt}",
    "${oc.select:seed}",
    "${..seed}",
)
"""Texts that are refused everywhere."""
LITERAL = (
    f"${CANARY_VARIABLE}",
    f"%{CANARY_VARIABLE}%",
    f"$({CANARY_VARIABLE})",
    f"{{{CANARY_VARIABLE}}}",
    f"%({CANARY_VARIABLE})s",
    f"{{{{ {CANARY_VARIABLE} }}}}",
    f"$ENV{{{CANARY_VARIABLE}}}",
    f"`echo ${CANARY_VARIABLE}`",
)
"""Texts that are accepted as plain text."""


def reading_probes() -> list[Probe]:
    """Probes that would read the environment or another file: rejected."""
    places = (
        "scenario: {name: own, label: QUOTED}\n",
        "defaults:\n  - /shock: [QUOTED]\n" + LABEL,
        LABEL + "reference: QUOTED\n",
        "scenario:\n  name: own\n  label: |\n    BARE\n",
        "scenario:\n  name: own\n  ? QUOTED\n  : Own\n",
    )
    found = [_whole(place.replace("QUOTED", json.dumps(text)).replace("BARE", text)) for place in places for text in READS]
    found += [_whole(f"study: {{name: own, question: {json.dumps(text)}, axes: {{seed: '1'}}}}\n", "study") for text in READS]
    found += [_whole(f"study: {{name: own, question: x, axes: {{reference: {json.dumps(text)}}}}}\n", "study") for text in READS]
    return found + [Probe({}, (f"{key}={text}",)) for key in ("reference", "scenario", "+out") for text in READS[:6]]


def literal_probe() -> Probe:
    """Texts that are variables in other programs, in the label of a scenario that runs: they stay plain text."""
    texts = " ".join(LITERAL)
    return _whole(CALM + f"scenario: {{name: own, label: {json.dumps(texts)}}}\n")


WAYS = (
    "../x",
    "../../x",
    "..",
    ".",
    "/etc/hostname",
    "/x",
    "//host/share/x",
    "./x",
    "x/",
    "x/../../y",
    "shock/../../x",
    "..\\x",
    "C:\\x",
    "C:/x",
    "\\\\host\\share",
    "file:///etc/hostname",
    "pkg://experiments",
    "~",
    "~/x",
    "%2e%2e/x",
    "..%2fx",
    "\u2025/x",
    "x\x00y",
    "x\ny",
    "x\x1b[2Jy",
    "x\u202ey",
    "CON",
    "NUL.txt",
    "COM1",
    "x" * 300,
    "\U00020000" * 300,
    "../x.yaml",
    "x.yaml",
)
"""Paths that lead elsewhere, or are not valid names."""


def naming_probes() -> list[Probe]:
    """Paths out of a folder in the names that a command or a file gives: rejected."""
    found = []
    for way, group in itertools.product(WAYS, ("shock", "scenario", "region", "study", "engine", "dynamics")):
        quoted = "'" + way.replace("'", "") + "'"
        found.append(Probe({}, (f"{group}=[{quoted}]" if group == "shock" else f"{group}={quoted}",)))
    for way in WAYS:
        said = json.dumps(way)
        found += [_whole(f"defaults:\n  - {entry}\n{LABEL}") for entry in (said, f"{{/shock: [{said}]}}", f"{{{said}: x}}")]
        found.append(_whole(f"study: {{name: {said}, question: x, axes: {{seed: '1'}}}}\n", "study"))
    return found


SETS = ("out: ../x", "engine: {chunks: 'file:///x/y'}", "engine: {cluster: 'tcp://host.invalid:1'}", "engine: {part: 1/2}")
"""Settings that only the command line may set."""


def setting_probes() -> list[Probe]:
    """Files that set where a run writes, fetches from or connects to: rejected."""
    found = [_whole(f"{text}\n{LABEL}", group) for text in SETS for group in ("scenario", "study", "region", "dynamics", "engine")]
    inner = (text.removeprefix("engine: {").removesuffix("}") for text in SETS[1:])
    found += [_own("engine", f"defaults: [local, _self_]\nname: own\n{text}\n") for text in inner]
    found += [_own("engine", "defaults: [dask, _self_]\nname: own\n")]
    found += [_whole(f"defaults:\n  - {entry}\n{LABEL}") for entry in ("override /engine: dask", "/engine: dask")]
    axes = ("out: ../x", "engine.chunks: 'file:///x'", "engine.cluster: local", "engine: dask", "+out: ../x", "engine.part: 1/2")
    return found + [_whole(f"study: {{name: own, question: x, axes: {{{axis}}}}}\n", "study") for axis in axes]
