"""Names and labels of Kubernetes objects, made from addresses, lineages and tokens. Pure.

A name says whose it is to people, and holds a hash of all that makes it unique, so that no two
addresses share one, whatever they are called and however long they are.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

from specr.address import Address

MANAGER: Final = "specr"
"""The field manager, and the value of the label that names who manages an object."""

MANAGED_BY: Final = "app.kubernetes.io/managed-by"
LINEAGE: Final = "specr.dev/lineage"
ADDRESS: Final = "specr.dev/address"
TOKEN: Final = "specr.dev/token"  # noqa: S105 - a label's name
KIND: Final = "specr.dev/kind"
PREVIOUS: Final = "specr.dev/previous-token"
OUTPUT: Final = "specr.dev/output"
CLAIM: Final = "specr.dev/claim"

BUILD: Final = "build"
DEPLOYMENT: Final = "deployment"
BYTES: Final = "bytes"
"""Values of the label that tells kinds of objects apart."""

_SLUG_LIMIT: Final = 30
_HASH_LENGTH: Final = 10
_LABEL_VALUE: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_DIGEST_PREFIX: Final = "sha256:"


def address_name(lineage: str, address: Address) -> str:
    """The name of what belongs to an address for good, such as its Service: 41 characters at most."""
    return f"{_slug(address)}-{_hash(lineage, str(address))}"


def object_name(lineage: str, address: Address, token: str) -> str:
    """The name of what was made with a token: 52 characters at most, so that pods can be named after it."""
    return f"{address_name(lineage, address)}-{_hash(lineage, str(address), token)}"


def secret_name(lineage: str, token: str) -> str:
    """The name of the Secret of an object, told by its token alone."""
    return f"specr-{_hash(lineage, token)}{_hash(token, lineage)}"


def bytes_name(lineage: str, provider: str) -> str:
    """The name of a provider's index of bytes, and of the pod that moves them."""
    return f"specr-bytes-{_hash(lineage, provider)}"


def label_value(text: str) -> str:
    """A text as the value of a label: itself where that can be one, else its hash."""
    if _LABEL_VALUE.fullmatch(text) and not text.startswith("h--"):
        return text
    return f"h--{_hash(text)}{_hash(text, '')}"


def lineage_labels(lineage: str) -> dict[str, str]:
    """The labels of everything that belongs to a lineage."""
    return {MANAGED_BY: MANAGER, LINEAGE: label_value(lineage)}


def address_labels(lineage: str, address: Address, kind: str) -> dict[str, str]:
    """The labels of what belongs to an address."""
    return {
        **lineage_labels(lineage),
        ADDRESS: label_value(str(address).replace("/", ".")),
        KIND: kind,
    }


def object_labels(lineage: str, address: Address, kind: str, token: str) -> dict[str, str]:
    """The labels of what was made with a token."""
    return {**address_labels(lineage, address, kind), TOKEN: label_value(token)}


def pod_selector(lineage: str, token: str) -> dict[str, str]:
    """The labels that select the pods of one object. Selectors can't change: these never do."""
    return {LINEAGE: label_value(lineage), TOKEN: label_value(token)}


def as_query(labels: dict[str, str]) -> str:
    """Labels as the API's list calls take them."""
    return ",".join(f"{name}={value}" for name, value in sorted(labels.items()))


def folder_name(digest: str) -> str:
    """A digest as the name of a folder, and of a key in the index."""
    return digest.removeprefix(_DIGEST_PREFIX)


def digest_from(folder: str) -> str:
    """The inverse of `folder_name`."""
    return f"{_DIGEST_PREFIX}{folder}"


def volume_folder(lineage: str, provider: str) -> str:
    """The folder of one provider's bytes on its claim, relative to the claim's root."""
    return f"specr/{label_value(lineage)}/{label_value(provider)}"


def content_path(lineage: str, provider: str, digest: str) -> str:
    """Where content lies on the claim: a file or a folder."""
    return f"{volume_folder(lineage, provider)}/objects/{folder_name(digest)}/content"


def _slug(address: Address) -> str:
    """What people recognise of an address; begins with a letter, as names of Services must."""
    text = re.sub(r"[^a-z0-9]+", "-", address.name.lower())[:_SLUG_LIMIT].strip("-")
    return text if text[:1].isalpha() else f"x-{text}"[:_SLUG_LIMIT].strip("-")


def _hash(*parts: str) -> str:
    """Ten characters, lower-case letters and digits 2 to 7: 50 bits."""
    digest = hashlib.sha256("\n".join(parts).encode()).digest()
    return base64.b32encode(digest).decode().lower()[:_HASH_LENGTH]
