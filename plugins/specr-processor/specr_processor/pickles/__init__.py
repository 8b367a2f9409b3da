"""Looking into pickles without loading them: what they refer to, and whether the policy allows it."""

from specr_processor.pickles.contents import Search, Sighting
from specr_processor.pickles.policy import VARIABLE, Mode, Policy, read_policy
from specr_processor.pickles.trace import Doubt, Global
from specr_processor.pickles.verdict import PickleError, check_pickles

__all__ = [
    "check_pickles",
    "PickleError",
    "Policy",
    "Mode",
    "read_policy",
    "VARIABLE",
    "Search",
    "Sighting",
    "Global",
    "Doubt",
]
