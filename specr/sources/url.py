"""URLs of artifacts: which can be used, and how they are shown."""

from __future__ import annotations

from urllib.parse import urlsplit

from specr.diagnostics import Diagnostic, DiagnosticError


def check_url(reference: str) -> str:
    """The URL to ask for, without its fragment.

    Raises:
        DiagnosticError: it names no machine, is malformed, or holds a password, which would
            then stand in specs, plans and state.
    """
    flaw, remedy = "", "Write `https://machine/path`, with special characters percent-encoded."
    try:
        parts = urlsplit(reference)
        _ = parts.port
    except ValueError as error:
        raise DiagnosticError(_bad(reference, f"is malformed: {error}", remedy)) from None
    if parts.username is not None or parts.password is not None:
        flaw = "holds a login"
        remedy = (
            f"Take it out, and put `machine {parts.hostname} login … password …` into ~/.netrc, or into the "
            "file that NETRC names, where only you can read it."
        )
    elif not parts.hostname:
        flaw = "names no machine"
    elif not reference.isprintable() or " " in reference:
        flaw = "has spaces or characters that can't be seen in it"
    if flaw:
        raise DiagnosticError(_bad(reference, flaw, remedy))
    return parts._replace(fragment="").geturl()


def shown_url(reference: str) -> str:
    """A URL as messages show it: without login, query and fragment, which may hold secrets."""
    try:
        parts = urlsplit(reference)
    except ValueError:
        return f"{reference.split(':', 1)[0]}://…"
    place = parts.netloc.rpartition("@")[2]
    slashes = "//" if place or reference[len(parts.scheme) + 1 :].startswith("//") else ""
    return f"{parts.scheme}:{slashes}{place}{parts.path}{'?…' if parts.query else ''}"


def _bad(reference: str, flaw: str, remedy: str) -> Diagnostic:
    return Diagnostic("Not a URL to fetch from", f"{shown_url(reference)} {flaw}.", remedy)
