"""Files in and out: scenarios, solutions, and published data sets."""

from stackelberg.io.alibaba import import_alibaba
from stackelberg.io.azure_trace import (
    RequestTrace,
    budgets_per_minute,
    read_azure_trace,
)
from stackelberg.io.checkpoint import (
    CheckpointFolder,
    read_checkpoint,
    write_checkpoint,
)
from stackelberg.io.edge_eua import import_eua_market
from stackelberg.io.eua import (
    Site,
    SiteScenarios,
    import_all_eua,
    import_eua,
    list_sites,
)
from stackelberg.io.gavel import import_gavel
from stackelberg.io.market_digest import MarketReference, market_digest
from stackelberg.io.market_files import read_market, write_market
from stackelberg.io.market_solution import (
    MarketSolutionFile,
    read_capacity_shadow_price,
    read_market_reference,
    read_market_solution,
    write_market_solution,
)
from stackelberg.io.places_file import read_places
from stackelberg.io.policy_file import TrainedPolicy, read_policy, write_policy
from stackelberg.io.run_folder import RunFolder
from stackelberg.io.scenario_file import read_scenario, write_scenario
from stackelberg.io.settings_file import read_settings, write_settings
from stackelberg.io.solution_file import SolutionFile, read_solution, write_solution
from stackelberg.io.tabular_game_file import read_tabular_game, write_tabular_game
from stackelberg.io.trace_file import read_trace, write_trace
from stackelberg.io.tree_file import TreeFile, read_tree_file, write_tree

__all__ = [
    "CheckpointFolder",
    "MarketReference",
    "MarketSolutionFile",
    "RequestTrace",
    "RunFolder",
    "Site",
    "SiteScenarios",
    "SolutionFile",
    "TrainedPolicy",
    "TreeFile",
    "budgets_per_minute",
    "import_alibaba",
    "import_all_eua",
    "import_eua",
    "import_eua_market",
    "import_gavel",
    "list_sites",
    "market_digest",
    "read_azure_trace",
    "read_capacity_shadow_price",
    "read_checkpoint",
    "read_market",
    "read_market_reference",
    "read_market_solution",
    "read_places",
    "read_policy",
    "read_scenario",
    "read_settings",
    "read_solution",
    "read_tabular_game",
    "read_trace",
    "read_tree_file",
    "write_checkpoint",
    "write_market",
    "write_market_solution",
    "write_policy",
    "write_scenario",
    "write_settings",
    "write_solution",
    "write_tabular_game",
    "write_trace",
    "write_tree",
]
