"""Recompute from source data every number of the shipped regions and their shocks that is marked as computed.

    python -m experiments.evidence.openings DATA_FOLDER

The folder holds the tables named in TABLES (CONTRIBUTING.md has their sources). Exit 0: all agree to the rounding of the
file; 1: some differ, and are listed; 2: the folder, a table or a column is missing.
"""

import csv
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean

import yaml

from sim.compose.folders import config_folder

Rows = list[dict[str, str]]
TABLES = (
    "unga_agreement",
    "opinion_points",
    "sipri_arms_transfers",
    "country_year",
    "fbic",
    "armenia_trade_partners",
    "press_points",
    "unga_ideal_points",
)
DIGITS = 2
STATES = {"armenia": "ARM", "azerbaijan": "AZE", "georgia": "GEO"}
VOTERS = {
    "nato": ("USA", "GBR", "FRA", "DEU"),
    "eu": ("FRA", "DEU"),
    "russia": ("RUS",),
    "turkey": ("TUR",),
    "iran": ("IRN",),
    "china": ("CHN",),
}
"""The countries whose votes represent a bloc."""
Standing = Mapping[tuple[str, str], float]
FORMAL_2021: Standing = {
    ("armenia", "russia"): 0.75,  # CSTO member since 1992, base at Gyumri
    ("azerbaijan", "turkey"): 0.75,  # Shusha Declaration 2021
    ("georgia", "nato"): 0.5,  # Bucharest promise 2008
    ("georgia", "eu"): 0.5,  # Association Agreement in force 2016
    ("armenia", "nato"): 0.25,  # Partnership for Peace 1994
    ("azerbaijan", "nato"): 0.25,  # Partnership for Peace 1994
    ("armenia", "eu"): 0.25,  # CEPA 2017
    ("azerbaijan", "eu"): 0.25,  # Eastern Partnership 2009
    ("azerbaijan", "russia"): 0.25,  # treaty of friendship 1997
    ("armenia", "turkey"): -0.75,  # border closed since 1993, no diplomatic relations
    ("georgia", "russia"): -0.75,  # no diplomatic relations since 2008, two entities lost
}
"""Formal standing at the opening: ally 0.75, associate 0.5, partner 0.25, none 0, closed border or relations cut -0.75."""
BLOC_FORMAL_2021: Standing = {
    ("nato", "eu"): 0.75,
    ("nato", "turkey"): 0.5,
    ("eu", "turkey"): 0.25,
    ("russia", "china"): 0.5,
    ("russia", "iran"): 0.25,
    ("iran", "china"): 0.25,
    ("nato", "russia"): -0.75,
    ("eu", "russia"): -0.5,
    ("nato", "iran"): -0.75,
    ("eu", "iran"): -0.25,
    ("nato", "china"): -0.25,
}
"""The same between blocs: overlapping or allied, partner, none, sanctions and practical cooperation suspended."""
FORMAL_1993: Standing = {
    ("armenia", "russia"): 0.75,  # Collective Security Treaty 1992
    ("azerbaijan", "russia"): 0.5,  # the treaty and the CIS in September 1993, under pressure
    ("georgia", "russia"): 0.5,  # the same in December 1993, after Abkhazia was lost
    ("azerbaijan", "turkey"): 0.25,  # partner, treaty of friendship a month after the opening
    ("georgia", "turkey"): 0.25,  # treaty of friendship 1992
    ("armenia", "turkey"): -0.75,  # border closed in April 1993, no diplomatic relations
}
"""The same before the Partnership for Peace and the agreements with the EU."""
BLOC_FORMAL_1993: Standing = {
    ("nato", "eu"): 0.75,
    ("nato", "turkey"): 0.5,
    ("eu", "turkey"): 0.25,
    ("russia", "china"): 0.25,  # border agreement and joint statement 1991-1992
    ("russia", "iran"): 0.25,  # arms and nuclear agreements 1989-1992
    ("iran", "china"): 0.25,
    ("nato", "iran"): -0.75,
    ("nato", "china"): -0.25,  # embargo on arms since 1989
    ("eu", "china"): -0.25,
}
BLACK_SEA = STATES | {"ukraine": "UKR", "moldova": "MDA", "romania": "ROU", "bulgaria": "BGR", "turkey": "TUR"}
FORMAL_BLACK_SEA: Standing = FORMAL_2021 | {
    ("ukraine", "nato"): 0.5,  # Bucharest promise 2008
    ("ukraine", "eu"): 0.5,  # Association Agreement in force 2017
    ("ukraine", "russia"): -0.75,  # Crimea annexed, war in the Donbas
    ("moldova", "nato"): 0.25,  # Partnership for Peace 1994
    ("moldova", "eu"): 0.5,  # Association Agreement in force 2016
    ("moldova", "russia"): 0.25,  # Commonwealth of Independent States
    ("romania", "nato"): 0.75,
    ("romania", "eu"): 0.75,
    ("bulgaria", "nato"): 0.75,
    ("bulgaria", "eu"): 0.75,
    ("turkey", "nato"): 0.75,
    ("turkey", "eu"): 0.25,  # candidate, talks frozen
    ("romania", "turkey"): 0.5,  # allies in NATO
    ("bulgaria", "turkey"): 0.5,
    ("ukraine", "turkey"): 0.25,  # partner
}
POLLS = {
    ("armenia", "russia"): ("relations with Russia good", "2019"),
    ("armenia", "nato"): ("relations with the US good", "2019-05"),
    ("armenia", "eu"): ("relations with the EU good", "2019-05"),
    ("georgia", "nato"): ("approve goal of NATO", "2021-12"),
    ("georgia", "eu"): ("approve goal of EU", "2021-12"),
}
"""The last poll before the opening: question and fieldwork."""
PARTNERS = {"eu": "EU27", "russia": "RUS", "turkey": "TUR", "iran": "IRN", "china": "CHN"}
ARMS_YEARS = range(2012, 2022)
IDEAL_SCALE = {"nato": 3.00, "eu": 2.34}
"""The 95th percentile of the distance in UN ideal points to the bloc over all members, 1992-2012: a closeness of -1."""
WAR_YEARS = ("2022", "2023", "2024")
WAR_FORMAL = {"nato": -0.75, "eu": -0.75}
"""Formal standing with Russia from 2022: cooperation suspended, sanctions on its central bank and trade."""

CRIMEA_YEARS = tuple(str(year) for year in range(2014, 2022))
PARTNER = 0.25
"""Formal standing of NATO and the EU with Russia before Crimea: the council of 2002, the partnership agreement of 1997."""


@dataclass(frozen=True)
class Basis:
    """The data that the opening of one region is computed from."""

    votes: str
    """Year of the UN roll calls."""
    formal: Standing
    bloc_formal: Standing
    polls: Mapping[tuple[str, str], tuple[str, str]]
    spending: str
    """Year of military spending."""
    power: str
    """Column that states' capabilities are read from: military spending, or where it is missing the material index CINC."""
    influence: str
    """Year of influence capacity."""
    states: Mapping[str, str] = field(default_factory=lambda: STATES)
    """The region's states and their codes."""


SPENDERS = {"nato": ("USA", "GBR", "FRA", "DEU"), "russia": ("RUS",), "turkey": ("TUR",), "iran": ("IRN",), "china": ("CHN",)}


class MissingError(Exception):
    """A table, column or row that the openings need."""


def read(folder: Path) -> dict[str, Rows]:
    """Read all tables of the folder."""
    tables = {}
    for name in TABLES:
        path = folder / f"{name}.csv"
        if not path.is_file():
            raise MissingError(f"{path}: no such table")
        with path.open(newline="", encoding="utf-8") as file:
            tables[name] = list(csv.DictReader(file))
    return tables


def one(rows: Rows, column: str, **wanted: str) -> float:
    """The number of a column in the row with the wanted values."""
    found = [row[column] for row in rows if all(row[key] == value for key, value in wanted.items())]
    if not found or found[-1] == "":
        raise MissingError(f"no {column} where {wanted}")
    return float(found[-1])


def voting(tables: dict[str, Rows], year: str, one_code: str, others: Iterable[str]) -> float:
    """Closeness in UN voting in a year, 2 x agreement - 1, in [-1, 1] (UN roll calls; abstention counts half)."""
    rows = tables["unga_agreement"]
    agreements = [
        one(rows, "agree_half", iso3=one_code, power=code, year=year, votes_from="resolutions")
        for code in others
        if code != one_code
    ]
    return 2 * mean(agreements) - 1


def poll(tables: dict[str, Rows], state: str, bloc: str) -> float:
    """Net opinion in [-1, 1]: favourable less unfavourable, or twice the favourable less 1 where only that is known."""
    question, when = POLLS[state, bloc]
    rows = [
        row
        for row in tables["opinion_points"]
        if row["state"] == STATES[state] and row["question"].startswith(question) and row["fieldwork"] == when
    ]
    if not rows:
        raise MissingError(f"no poll {question!r} of {when}")
    good, bad = rows[-1]["value_pct"], rows[-1]["value_negative_pct"]
    return (float(good) - float(bad)) / 100 if bad else 2 * float(good) / 100 - 1


def alignments(tables: dict[str, Rows], basis: Basis) -> dict[str, float]:
    """Mean of closeness in UN voting, formal standing and, where there is a poll, net opinion."""
    found = {}
    for state, code in basis.states.items():
        for bloc, voters in VOTERS.items():
            if state == bloc:
                continue
            terms = [voting(tables, basis.votes, code, voters), basis.formal.get((state, bloc), 0.0)]
            terms += [poll(tables, state, bloc)] if (state, bloc) in basis.polls else []
            found[f"states.{state}.alignment.{bloc}"] = mean(terms)
    return found


def relations(tables: dict[str, Rows], basis: Basis) -> dict[str, float]:
    """Mean of closeness in UN voting and formal standing between blocs."""
    found, blocs = {}, list(VOTERS)
    for index, bloc in enumerate(blocs):
        for rival in blocs[index + 1 :]:
            votes = mean(voting(tables, basis.votes, code, VOTERS[rival]) for code in VOTERS[bloc] if set(VOTERS[rival]) - {code})
            if {bloc, rival} & set(basis.states):
                continue  # derived from the alignments of the state that it also is
            found[f"relations.{bloc}.{rival}"] = mean([votes, basis.bloc_formal.get((bloc, rival), 0.0)])
    return found


def accesses(tables: dict[str, Rows], basis: Basis) -> dict[str, float]:
    """Trade shares: Armenia's in 2021 from its customs, Azerbaijan's with Russia and Turkey in 2020 from press figures."""
    found = {}
    for bloc, partner in PARTNERS.items():
        found[f"states.armenia.access.{bloc}"] = one(
            tables["armenia_trade_partners"], "trade_share", partner=partner, year=basis.votes
        )
    press = [row for row in tables["press_points"] if row["measure"].startswith("goods trade")]
    whole = one(press, "value", state="AZE", year="2020", partner="WLD")
    for bloc in ("russia", "turkey"):
        part = one(press, "value", state="AZE", year="2020", partner=PARTNERS[bloc])
        found[f"states.azerbaijan.access.{bloc}"] = part / whole
    return found


def arms(tables: dict[str, Rows], basis: Basis) -> dict[str, float]:
    """Readiness with Russia: half of its share of arms deliveries in the ten years to 2021; the other half would be programmes.

    Readiness with others is our judgement: SIPRI's values miss Turkish drones, and NATO's programmes bring few arms.
    """
    found = {}
    for state, name in (("armenia", "Armenia"), ("azerbaijan", "Azerbaijan")):
        rows = [row for row in tables["sipri_arms_transfers"] if row["recipient"] == name and int(row["year"]) in ARMS_YEARS]
        russian = sum(float(row["tiv_musd"]) for row in rows if row["supplier"] == "Russia")
        found[f"states.{state}.readiness.russia"] = russian / sum(float(row["tiv_musd"]) for row in rows) / 2
    return found


def capabilities(tables: dict[str, Rows], basis: Basis) -> dict[str, float]:
    """States: military spending or material power over Azerbaijan's. Blocs: the square root of military spending over Russia's."""
    rows = tables["country_year"]

    def whole(column: str, *codes: str) -> float:
        return sum(one(rows, column, iso3=code, year=basis.spending) for code in codes)

    found = {
        f"states.{state}.capability": whole(basis.power, code) / whole(basis.power, "AZE") for state, code in basis.states.items()
    }
    russia = whole("milex_usd_const", "RUS")
    return found | {
        f"blocs.{bloc}.capability": (whole("milex_usd_const", *codes) / russia) ** 0.5 for bloc, codes in SPENDERS.items()
    }


def priorities(tables: dict[str, Rows], basis: Basis) -> dict[str, float]:
    """Russia's and China's priorities: half equal shares, half their shares of influence capacity (FBIC)."""
    found = {}
    for bloc, power in (("russia", "RUS"), ("china", "CHN")):
        capacity = {
            state: one(tables["fbic"], "fbic", iso3=code, power=power, year=basis.influence) for state, code in basis.states.items()
        }
        for state, value in capacity.items():
            found[f"blocs.{bloc}.priority.{state}"] = (1 / len(capacity) + value / sum(capacity.values())) / 2
    return found


def closeness(tables: dict[str, Rows], bloc: str, year: str) -> float:
    """Closeness of a bloc to Russia in UN ideal points, 1 - 2 x distance / scale, in [-1, 1] (Bailey, Strezhnev, Voeten 2017)."""
    rows = tables["unga_ideal_points"]
    members = mean(one(rows, "ip_fp", iso3=code, year=year, use="1") for code in VOTERS[bloc])
    return max(-1.0, 1 - 2 * abs(members - one(rows, "ip_fp", iso3="RUS", year=year, use="1")) / IDEAL_SCALE[bloc])


def war_relations(tables: dict[str, Rows], basis: Basis) -> dict[str, float]:
    """The effect of the war on a relation: half the change of closeness in UN ideal points, half that of formal standing."""
    found = {}
    for bloc in ("nato", "eu"):
        voted = mean(closeness(tables, bloc, year) for year in WAR_YEARS) - closeness(tables, bloc, basis.votes)
        found[f"shock.ukraine_war.effects.{bloc}.size"] = mean([voted, WAR_FORMAL[bloc] - basis.bloc_formal[bloc, "russia"]])
    return found


def crimea_relations(tables: dict[str, Rows], basis: Basis) -> dict[str, float]:
    """The effect of Crimea on a relation: half the change of closeness in UN voting to 2014-2021, half that of formal standing."""
    found = {}
    for bloc in ("nato", "eu"):
        before, *after = (
            mean(voting(tables, year, code, VOTERS["russia"]) for code in VOTERS[bloc])
            for year in (str(int(CRIMEA_YEARS[0]) - 1), *CRIMEA_YEARS)
        )
        found[f"shock.crimea_2014.effects.{bloc}.size"] = mean([mean(after) - before, basis.bloc_formal[bloc, "russia"] - PARTNER])
    return found


Opening = Callable[[dict[str, Rows], Basis], dict[str, float]]
OPENINGS: dict[str, tuple[Basis, tuple[Opening, ...]]] = {
    "south_caucasus": (
        Basis("2021", FORMAL_2021, BLOC_FORMAL_2021, POLLS, spending="2020", power="milex_usd_const", influence="2020"),
        (alignments, relations, accesses, arms, capabilities, priorities, war_relations, crimea_relations),
    ),
    "south_caucasus_1994": (
        Basis("1993", FORMAL_1993, BLOC_FORMAL_1993, {}, spending="1993", power="cinc", influence="1994"),
        (alignments, relations, capabilities, priorities),
    ),
    "black_sea": (
        Basis("2021", FORMAL_BLACK_SEA, BLOC_FORMAL_2021, POLLS, "2020", "milex_usd_const", "2020", BLACK_SEA),
        (alignments, relations, accesses, arms, capabilities),
    ),
}
"""For each shipped region its data, and the functions that compute its numbers."""


def in_file(region: str, key: str) -> float | None:
    """The number in the shipped file under a dotted key: a shock's, or the region's; None where there is none."""
    group, _, rest = key.partition(".")
    name = f"shock/{rest.split('.')[0]}" if group == "shock" else f"region/{region}"
    at = yaml.safe_load((config_folder() / f"{name}.yaml").read_text("utf-8"))
    for word in (rest if group == "shock" else key).split("."):
        at = at.get(word) if isinstance(at, dict) else None
    return float(at) if isinstance(at, int | float) else None


def main(argv: list[str]) -> int:
    """Print every computed opening with that of the file; the exit code is 0 where all agree."""
    if len(argv) != 1:
        print("usage: python -m experiments.evidence.openings DATA_FOLDER", file=sys.stderr)
        return 2
    try:
        tables = read(Path(argv[0]))
        computed = {
            (region, key): value
            for region, (basis, openings) in OPENINGS.items()
            for opening in openings
            for key, value in opening(tables, basis).items()
        }
    except (MissingError, KeyError, ValueError) as error:
        print(f"openings: {error}", file=sys.stderr)
        return 2
    differ = 0
    for (region, key), value in computed.items():
        there = in_file(region, key)
        fits = there is not None and abs(there - value) <= 0.5 * 10**-DIGITS + 1e-9
        differ += not fits
        there_word = "-" if there is None else f"{there:+.3f}"
        print(f"{region:<20} {key:<42} computed {value:+.3f}   file {there_word}{'' if fits else '   DIFFERS'}")
    print(f"{len(computed)} openings, {differ} differ")
    return int(differ > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
