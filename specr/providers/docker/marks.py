"""Names and labels: how containers and volumes are told to be specr's, and which object's. Pure.

    dev.specr.lineage   the lineage of the state that the object belongs to
    dev.specr.address   the object's address in full
    dev.specr.token     the object's token; with the lineage it leads to all that the object has
    dev.specr.kind      `build`, `deployment`, `output` (of a build that is done) or `probe`
    dev.specr.replica   counted from 0
    dev.specr.run       counted from 1; the replica's newest run is the one that counts
    dev.specr.port      where it is published on the daemon's machine
    dev.specr.secrets   names of the variables whose values are secret
    dev.specr.image     the image as the spec names it
    dev.specr.digest, dev.specr.size    of an output

Users' own labels stand beside these, as they wrote them.
"""

from __future__ import annotations

import hashlib
import re
from enum import Enum
from typing import Final

from msgspec import Struct

from specr.address import Address

PREFIX: Final = "dev.specr."
NAME_LIMIT: Final = 63
"""Characters: as many as a label of a host name may have."""

_HASH: Final = 12
_STRANGE: Final = re.compile(r"[^a-z0-9-]+")


class Kind(Enum):
    """What a container is for."""

    BUILD = "build"
    DEPLOYMENT = "deployment"
    OUTPUT = "output"
    PROBE = "probe"


class Mark(Struct, frozen=True):
    """Whose a container is, and which of those that the object has."""

    lineage: str
    address: Address
    token: str
    kind: Kind
    replica: int = 0
    run: int = 1

    @property
    def name(self) -> str:
        """The container's name: readable as far as there is room, and one of its own."""
        what = "\n".join((self.lineage, str(self.address), self.token, self.kind.value))
        tail = f"-{hashlib.sha256(what.encode()).hexdigest()[:_HASH]}-{self.replica}-{self.run}"
        readable = _STRANGE.sub("-", f"specr-{self.address}".lower())
        return readable[: NAME_LIMIT - len(tail)].rstrip("-") + tail

    @property
    def labels(self) -> dict[str, str]:
        """The labels that every such container carries."""
        return {
            **object_labels(self.lineage, self.token),
            f"{PREFIX}address": str(self.address),
            f"{PREFIX}kind": self.kind.value,
            f"{PREFIX}replica": str(self.replica),
            f"{PREFIX}run": str(self.run),
        }


def object_labels(lineage: str, token: str) -> dict[str, str]:
    """What containers and volumes of one object are found by."""
    return {f"{PREFIX}lineage": lineage, f"{PREFIX}token": token}
