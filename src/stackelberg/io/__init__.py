"""Files in and out: scenarios, solutions, and published data sets."""

from stackelberg.io.edge_eua import import_eua_market
from stackelberg.io.eua import (
    Site,
    SiteScenarios,
    import_all_eua,
    import_eua,
    list_sites,
)
from stackelberg.io.market_digest import MarketReference, market_digest
from stackelberg.io.market_files import read_market, write_market
from stackelberg.io.market_solution import (
    MarketSolutionFile,
    read_market_reference,
    read_market_solution,
    write_market_solution,
)
from stackelberg.io.scenario_file import read_scenario, write_scenario
from stackelberg.io.solution_file import SolutionFile, read_solution, write_solution

__all__ = [
    "MarketReference",
    "MarketSolutionFile",
    "Site",
    "SiteScenarios",
    "SolutionFile",
    "import_all_eua",
    "import_eua",
    "import_eua_market",
    "list_sites",
    "market_digest",
    "read_market",
    "read_market_reference",
    "read_market_solution",
    "read_scenario",
    "read_solution",
    "write_market",
    "write_market_solution",
    "write_scenario",
    "write_solution",
]
