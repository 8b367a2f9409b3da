"""What a project lets models do that come with code of their own."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from specr.resources.base import DEFAULTS, Part, form

ModuleName = Annotated[str, form(r"^[a-zA-Z_][a-zA-Z0-9_]*(\.[a-zA-Z_][a-zA-Z0-9_]*)*$")]
"""A module, or a name in one, with dots between: `acme.features`."""


PickleMode = Literal["deny", "warn", "allow"]
"""What becomes of models whose pickles refer to more than is allowed."""


class Policy(Part, frozen=True, kw_only=True):
    """What processors let pass in models that may run code when they are loaded: pickles."""

    pickles: PickleMode = "deny"
    """`deny` refuses models whose pickles refer to anything but what models of the usual libraries need and
    what `modules` names. `warn` deploys them with a warning. `allow` does not look."""

    modules: tuple[ModuleName, ...] = ()
    """Modules, packages or single names that pickles may refer to as well, each with all below it:
    `acme`, `acme.features`, `acme.features.Scaler`. Also the modules that models bring along."""

    def arguments(self) -> dict[str, Any]:
        """The policy as processors get it, the same for policies that mean the same; {} for the default."""
        told = self.dump(omit=DEFAULTS)
        return {**told, "modules": sorted(set(self.modules))} if self.modules else told
