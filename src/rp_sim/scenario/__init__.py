"""What a simulated RunPod is like: read from TOML, validated, frozen."""

from rp_sim.scenario.load import ScenarioError, load, loads
from rp_sim.scenario.model import Scenario

__all__ = ["Scenario", "ScenarioError", "load", "loads"]
