from sim.abm.model import RegionModel as RegionModel
from sim.analysis.compare import compare as compare
from sim.analysis.explain import explain as explain
from sim.compose.expand import expand as expand
from sim.engine.runs import simulate as simulate
from sim.results.reading import open_results as open_results
