"""Whether the parts of a config fit together: names that exist, numbers in range, dates inside the window."""

import math
import re
from collections.abc import Mapping
from datetime import date

from sim.config.dates import PERIODS_PER_YEAR, dates, one_date
from sim.config.known import demand_known, demand_number
from sim.config.labels import demand_apart, short_reading
from sim.config.patterns import check_evidence, forms_of
from sim.config.places import demand_new, demand_path
from sim.config.region import (
    BLOC_NUMBERS,
    BLOC_TABLES,
    DIRECTED,
    FULL_STATE_TABLES,
    PAIR_TABLES,
    STATE_NUMBERS,
    STATE_TABLES,
    Bloc,
    PairTable,
    Region,
    Route,
    State,
    called,
)
from sim.config.schema import NAME, Backend, Config, Dynamics, Effect, Engine, Record, Shock, ShockKind, members
from sim.config.suggest import likely
from sim.errors import SettingError
from sim.names import MECHANISMS, PEER, QUANTITIES, SCALARS, SHOWN, STATE, WEIGHT, Quantity, several

REPLICATES_MAX = 10_000_000
DRAWS_MAX = 1_000_000
WORKERS_MAX = 1024


def check(config: Config) -> None:
    """Refuse a config whose parts do not fit together; types have been checked on reading."""
    check_run(config)
    for key in ("region", "dynamics", "scenario", "engine"):
        _check_name(f"{key}.name", getattr(config, key).name)
    check_region(config.region)
    check_outcome(config)
    check_dynamics(config.dynamics)
    demand_apart({f"shock.{name}.label": shock.label for name, shock in config.shock.items()})
    for name, shock in config.shock.items():
        check_shock(f"shock.{name}", shock, config)


def _check_name(key: str, name: str) -> None:
    """Refuse an invalid name; a scenario that is made of shocks joins their names by +."""
    if not all(map(NAME.fullmatch, name.split("+"))):
        raise SettingError(key, f"{name!r} is not a valid name", "lower-case letters, digits and _, 40 at most")


def check_run(config: Config) -> None:
    """Refuse a window, number of replicates, draws or seed that cannot be run."""
    demand_new("out", config.out)
    check_engine(config.engine)
    if config.engine.backend is Backend.jax and config.record is Record.decomposition:
        raise SettingError(
            "record", "the compiled kernel cannot record a decomposition", "engine.backend=numpy, or record=trajectories"
        )
    dates = {"region.as_of": config.region.as_of, "start": config.start or config.region.as_of, "end": config.end}
    read = {key: one_date(key, text) for key, text in dates.items()}
    if read["start"] < read["region.as_of"]:
        raise SettingError(
            "start", f"{config.start} is before the region's opening", f"{config.region.as_of} (region.as_of) or later"
        )
    if read["end"] <= read["start"]:
        raise SettingError("end", f"{config.end} is not after the start", f"later than {dates['start']}")
    if config.periods_per_year not in PERIODS_PER_YEAR:
        raise SettingError(
            "periods_per_year", f"{config.periods_per_year} does not fit the calendar", ", ".join(map(str, PERIODS_PER_YEAR))
        )
    if config.study.name and not NAME.fullmatch(config.study.name):
        raise SettingError(
            "study.name", f"{config.study.name!r} is not a valid name", "lower-case letters, digits and _, 40 at most"
        )
    window = config.window
    for key in ("start", "end"):
        if read[key].day != 1:
            raise SettingError(key, f"{dates[key]} is not the first of a month", f"{dates[key][:7]} (a whole month)")
    if abs(window.years(read["end"]) * config.periods_per_year - window.periods) > 1e-9 or window.periods < 1:
        raise SettingError("end", f"{config.end} is not a whole number of periods after {dates['start']}", "an instant of the run")
    for key, low, high in (("replicates", 1, REPLICATES_MAX), ("draws", 1, DRAWS_MAX), ("seed", 0, 2**63 - 1)):
        value = getattr(config, key)
        if not low <= value <= high:
            raise SettingError(key, f"{value} is out of range", f"a whole number in [{low}, {high}]")


def check_engine(engine: Engine) -> None:
    """Refuse settings of the engine that are out of range or have an unknown form."""
    for name, most in (("workers", WORKERS_MAX), ("chunk", REPLICATES_MAX)):
        value = getattr(engine, name)
        if not 0 <= value <= most:
            raise SettingError(f"engine.{name}", f"{value} is out of range", f"0 to {most}")
    if engine.cluster not in ("", "local") and "://" not in engine.cluster:
        allowed = "local, a scheduler's address as in tcp://host:8786, or nothing"
        raise SettingError("engine.cluster", f"{engine.cluster!r} is not a cluster", allowed, likely(engine.cluster, ["local"]))
    if engine.chunks and not re.fullmatch(r"file:///.*|(?!file:)[a-z][a-z0-9+.-]*://.+", engine.chunks):
        allowed = "a URL of a folder as in s3://bucket/runs or file:///data/runs, or nothing"
        raise SettingError("engine.chunks", f"{engine.chunks!r} is not a URL", allowed)
    demand_path("engine.chunks", engine.chunks)
    found = re.fullmatch(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})", engine.part)
    if engine.part and not (found and int(found[1]) <= int(found[2])):
        raise SettingError("engine.part", f"{engine.part!r} is not a part of the chunks", "NUMBER/PARTS, as in 3/20")


def check_outcome(config: Config) -> None:
    """Refuse an outcome that is not a recorded variable of actors of the region."""
    if not config.outcome:
        return
    variable, *actors = config.outcome.split(".")
    demand_known("outcome", variable, SHOWN, "variable of results")
    dims = QUANTITIES[variable].dims
    if len(actors) != len(dims):
        raise SettingError("outcome", f"{config.outcome} names {several(len(actors), 'actor')}", ".".join([variable, *dims]))
    for dim, actor in zip(dims, actors, strict=True):
        demand_known("outcome", actor, called(config.region.states if dim in (STATE, PEER) else config.region.blocs), dim)


def check_region(region: Region) -> None:
    """Refuse a region with a name, number or table that cannot be used."""
    states, blocs = called(region.states), called(region.blocs)
    for group, names in (("states", states), ("blocs", blocs), ("routes", region.routes)):
        for name in names:
            if not NAME.fullmatch(name):
                raise SettingError(
                    f"region.{group}", f"{name!r} is not a valid name", "lower-case letters, digits and _, 40 at most"
                )
    for group, names in (("states", states), ("blocs", blocs)):
        if not names:
            raise SettingError(f"region.{group}", "is empty", "one or more")
    for name, state in region.states.items():
        _check_state(f"region.states.{name}", state, blocs)
    for name, bloc in region.blocs.items():
        _check_bloc(f"region.blocs.{name}", bloc, states)
    for table, (quantity, side) in PAIR_TABLES.items():
        _check_pairs(f"region.{table}", getattr(region, table), states if side == "states" else blocs, QUANTITIES[quantity])
    for name, route in region.routes.items():
        _check_route(f"region.routes.{name}", route, states)
    labels = {f"region.states.{name}.label": state.label for name, state in region.states.items()}
    labels |= {f"region.blocs.{name}.label": bloc.label for name, bloc in region.blocs.items()}
    one = ((f"region.states.{name}.label", f"region.blocs.{state.same_as}.label") for name, state in region.states.items())
    demand_apart(labels, short_reading, one)
    joined = [state.same_as for state in region.states.values() if state.same_as]
    for name in joined:
        if joined.count(name) > 1:
            raise SettingError("region.states.*.same_as", f"{name} is given for two states", "each bloc at most once")
        if name in region.relations or any(name in row for row in region.relations.values()):
            raise SettingError(f"region.relations.{name}", "is derived from alignments (same_as)", "no row for this bloc")
    check_evidence("region.evidence", region.evidence, forms_of(region))


def _check_state(key: str, state: State, blocs: Mapping[str, str]) -> None:
    for name, quantity in STATE_NUMBERS.items():
        demand_number(f"{key}.{name}", getattr(state, name), QUANTITIES[quantity])
    if state.same_as:
        demand_known(f"{key}.same_as", state.same_as, blocs, "bloc")
    for name in state.member_of:
        demand_known(f"{key}.member_of", name, blocs, "bloc")
        if name == state.same_as:
            raise SettingError(f"{key}.member_of", f"{name} is the state itself (same_as)", "other blocs")
    courting = {name: label for name, label in blocs.items() if name != state.same_as}
    for name, quantity in STATE_TABLES.items():
        table = getattr(state, name)
        for bloc, value in table.items():
            demand_known(f"{key}.{name}", bloc, courting, "bloc that courts it")
            demand_number(f"{key}.{name}.{bloc}", value, QUANTITIES[quantity])
        missing = [bloc for bloc in courting if bloc not in table]
        if name in FULL_STATE_TABLES and missing:
            raise SettingError(f"{key}.{name}", f"has no number for {', '.join(missing)}", "one number for each bloc")
    if sum(state.access.values()) > 1 + 1e-9:
        raise SettingError(
            f"{key}.access", f"shares of trade add up to {sum(state.access.values()):g}", "at most 1: the rest is trade with others"
        )


def _check_bloc(key: str, bloc: Bloc, states: Mapping[str, str]) -> None:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", bloc.colour):
        raise SettingError(f"{key}.colour", f"{bloc.colour!r} is not a colour", "'#0072B2' and the like")
    for name, quantity in BLOC_NUMBERS.items():
        demand_number(f"{key}.{name}", getattr(bloc, name), QUANTITIES[quantity])
    for name, quantity in BLOC_TABLES.items():
        for state, value in getattr(bloc, name).items():
            demand_known(f"{key}.{name}", state, states, "state")
            demand_number(f"{key}.{name}.{state}", value, QUANTITIES[quantity])
    for state in bloc.buffer:
        demand_known(f"{key}.buffer", state, states, "state")


def _check_pairs(key: str, table: PairTable, names: Mapping[str, str], quantity: Quantity) -> None:
    for one, row in table.items():
        demand_known(key, one, names, "state" if quantity.dims[0] == STATE else "bloc")
        for other, value in row.items():
            demand_known(f"{key}.{one}", other, names, "state" if quantity.dims[0] == "state" else "bloc")
            if other == one:
                raise SettingError(f"{key}.{one}.{other}", "a pair needs two different names")
            demand_number(f"{key}.{one}.{other}", value, quantity)
            back = table.get(other, {}).get(one)
            if quantity.name not in DIRECTED and back is not None and back != value:
                raise SettingError(
                    f"{key}.{one}.{other}", f"{value:g} one way and {back:g} the other", "one number: it holds both ways"
                )


def _check_route(key: str, route: Route, states: Mapping[str, str]) -> None:
    if len(route.ends) != 2 or route.ends[0] == route.ends[1]:
        raise SettingError(f"{key}.ends", f"{route.ends} are not two ends", "two different states")
    for part in ("ends", "via"):
        for state in getattr(route, part):
            demand_known(f"{key}.{part}", state, states, "state")
    path = [*route.ends, *route.via]
    if len(set(path)) < len(path):
        raise SettingError(f"{key}.via", "passes a state twice", "each state once")
    demand_number(f"{key}.permit", route.permit, QUANTITIES["permit"])


def check_dynamics(dynamics: Dynamics) -> None:
    """Refuse a weight or number of the dynamics outside its range."""
    for name in MECHANISMS:
        demand_number(f"dynamics.{name}", getattr(dynamics, name), WEIGHT)
    for name in SCALARS:
        demand_number(f"dynamics.{name}", getattr(dynamics, name), QUANTITIES[name])
    check_evidence("dynamics.evidence", dynamics.evidence, [[[*MECHANISMS, *SCALARS]]])


# Shocks --------------------------------------------------------------------------------------------------------------------

LASTING = {
    ShockKind.impulse: (),
    ShockKind.step: (),
    ShockKind.pulse: ("duration", "until"),
    ShockKind.ramp: ("duration", "until"),
    ShockKind.decay: ("half_life",),
}
"""For each kind of effect, the settings of which exactly one must be given."""
STOCK_TARGETS = ("tie", "credibility", "access", "legacy", "relation", "strain_war", "strain_home")
"""Stocks whose target a lasting effect can move; the others move by impulse, or through a parameter."""
INSTEAD = {"disposition": "an impulse", "road": "target road_capacity", "readiness": "target programme"}


def check_shock(key: str, shock: Shock, config: Config) -> None:
    """Refuse a shock with an effect that cannot happen in this region and window."""
    if not 0 <= shock.probability <= 1:
        raise SettingError(f"{key}.probability", f"{shock.probability:g} is out of range", "[0, 1]")
    for name in (key.removeprefix("shock."), *shock.effects):
        if not NAME.fullmatch(name):
            raise SettingError(key, f"{name!r} is not a valid name", "lower-case letters, digits and _, 40 at most")
    if not shock.effects:
        raise SettingError(f"{key}.effects", "is empty", "one or more")
    begins: list[date] = []
    for name, effect in shock.effects.items():
        place = f"{key}.effects.{name}"
        first, _ = dates(f"{place}.date", effect.date)
        begins.append(first)
        if first < config.window.start:
            raise SettingError(f"{place}.date", f"{first} is before the run starts", f"{config.window.start} or later (start=)")
        _check_effect(place, effect, config.region)
    if min(begins) >= config.window.end:
        raise SettingError(key, f"begins on {min(begins)}, after the run ends", f"before {config.window.end} (end=)")


def _check_effect(key: str, effect: Effect, region: Region) -> None:
    known = [name for name, quantity in QUANTITIES.items() if quantity.shockable and quantity.kind != "flow"]
    demand_known(f"{key}.target", effect.target, known, "target")
    quantity = QUANTITIES[effect.target]
    impulse = effect.kind is ShockKind.impulse
    if impulse and quantity.kind != "stock":
        raise SettingError(
            f"{key}.kind", f"an impulse needs a stock, and {effect.target} is a parameter", "step, pulse, ramp, decay"
        )
    if not impulse and quantity.kind == "stock" and effect.target not in STOCK_TARGETS:
        raise SettingError(f"{key}.kind", f"{effect.kind.value} cannot move {effect.target}", INSTEAD[effect.target])
    if effect.target == "programme" and effect.kind is ShockKind.decay:
        raise SettingError(f"{key}.kind", "a programme cannot decay: it runs or it does not", "step, pulse, ramp")
    if effect.unit != quantity.unit:
        raise SettingError(f"{key}.unit", f"{effect.unit!r} is not the unit of {effect.target}", quantity.unit)
    if isinstance(effect.size, bool) or not math.isfinite(effect.size):
        raise SettingError(f"{key}.size", f"{effect.size} is not a finite number", f"in units of {quantity.unit}")
    if len(effect.range) != 2 or not all(map(math.isfinite, effect.range)) or effect.range[0] > effect.range[1]:
        raise SettingError(f"{key}.range", f"{effect.range} is not a range", "[low, high], both finite")
    if not effect.source.strip():
        raise SettingError(f"{key}.source", "is empty", "a source, or 'judgement'")
    _check_lasting(key, effect)
    _check_who(f"{key}.who", effect, quantity, region)


def _check_lasting(key: str, effect: Effect) -> None:
    wanted = LASTING[effect.kind]
    given = [name for name in ("duration", "until", "half_life") if getattr(effect, name) is not None]
    if len(given) != (1 if wanted else 0) or not set(given) <= set(wanted):
        need = " or ".join(wanted) if wanted else "none of duration, until, half_life"
        raise SettingError(key, f"a {effect.kind.value} with {' and '.join(given) or 'no end'}", need)
    for name in ("duration", "half_life"):
        value = getattr(effect, name)
        if value is not None and not (math.isfinite(value) and value > 0):
            raise SettingError(f"{key}.{name}", f"{value:g} is out of range", "years above 0")
    if effect.until is not None and dates(f"{key}.until", effect.until)[0] <= dates(f"{key}.date", effect.date)[1]:
        raise SettingError(f"{key}.until", "is not after the date", "a later date")


def _check_who(key: str, effect: Effect, quantity: Quantity, region: Region) -> None:
    states, blocs = called(region.states), called(region.blocs)
    known = {"state": states, "peer": states, "bloc": blocs, "rival": blocs, "route": called(region.routes)}
    if set(effect.who) != set(quantity.dims):
        odd = next((name for name in effect.who if name not in quantity.dims), "")
        wrong = f"{effect.target} is not named by {', '.join(effect.who) or 'nothing'}"
        raise SettingError(key, wrong, ", ".join(quantity.dims), likely(odd, quantity.dims))
    for dim, value in effect.who.items():
        if not members(value):
            raise SettingError(f"{key}.{dim}", "names nobody", f"names, or '*' for every {dim}")
        for name in members(value):
            if name != "*":
                demand_known(f"{key}.{dim}", name, known[dim], "state" if dim == "peer" else "bloc" if dim == "rival" else dim)
    pair = [members(effect.who[dim]) for dim in quantity.dims]
    if quantity.dims in (("state", "peer"), ("bloc", "rival")) and len(pair[0]) == 1 and pair[0] == pair[1] != ["*"]:
        raise SettingError(key, "a pair needs two different names", "two different names")
    if effect.target in ("relation", "relation_floor", "calming"):
        joined = {state.same_as for state in region.states.values() if state.same_as}
        hit = joined & set(pair[0] + pair[1])
        if hit:
            raise SettingError(key, f"the relations of {sorted(hit)[0]} are derived (same_as)", "blocs that are not also a state")
