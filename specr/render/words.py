"""What a plan says, in words: headlines, reasons, summaries. No colour, no layout."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from typing import Any, Final

from specr.canonical import JsonObject
from specr.render.text import is_scalar, neutral, pair_text, path_text

Quote = Callable[[str], str]
"""Marks a name from specs as such."""

_VERBS: Final = {
    "create": "will be created",
    "update": "will be updated",
    "replace": "must be replaced",
    "delete": "will be deleted",
    "forget": "will be forgotten",
}
_VERBS_BY_EFFECT: Final = {
    ("create", "fetch"): "will be fetched",
    ("create", "build"): "will be built",
    ("create", "reuse"): "will be taken from the store, where it was built before",
    ("update", "fetch"): "will be fetched again",
    ("replace", "fetch"): "must be fetched again",
    ("update", "build"): "will be built again",
    ("replace", "build"): "must be built again",
    ("update", "reuse"): "will be taken from the store, where it was built before",
    ("replace", "reuse"): "will be taken from the store, where it was built before",
    ("update", "in-place"): "will be updated in place",
    ("update", "verify"): "will be verified again",
}
_REASONS: Final = {
    "not-recorded": "",
    "unchanged": "",
    "arguments": "its {path} changed",
    "upstream": "{upstream} changes",
    "provider": "it moves to another provider",
    "missing": "it is gone",
    "drifted": "it was changed outside of specr",
    "tainted": "it was left damaged by an earlier apply",
    "requested": "--replace asks for it",
    "interrupted": "an earlier apply began it and did not finish",
    "not-declared": "no spec declares it any more",
    "not-needed": "nothing needs it any more",
    "destroy": "",
}
_COUNTED: Final = (
    ("create", "to create"),
    ("update", "to update"),
    ("replace", "to replace"),
    ("delete", "to delete"),
    ("forget", "to forget"),
)
_CHANGED_OUTSIDE: Final = "Changed outside of specr since it was applied"
_SILENT: Final = "Runs, but does not answer"
_HEADLINE_WIDTH: Final = 60
_TOLD_FIRST: Final = (["version"], ["replicas"], ["alias"], ["resolved"], ["digest"])
_MOVED: Final = "its source means something else now"
"""Why an artifact changes whose `resolved` did: nobody has changed its specification."""
_WORD_LIMIT: Final = 300


def headline(change: JsonObject) -> str:
    """What happens to one address: `deployment/fraud will be updated: version 1 -> 2`."""
    told = told_difference(change)
    return f"{change['address']} {verb(change)}{f': {told}' if told else ''}"


def verb(change: JsonObject) -> str:
    """What happens, without to whom: `will be updated in place`."""
    action = change["action"]
    if change["cause"]["reason"] == "missing" and action == "create":
        return "will be made again"
    return _VERBS_BY_EFFECT.get((action, change["effect"]), _VERBS[action])


def reason(change: JsonObject) -> str:
    """Why: `because model/fraud changes`; empty where there is nothing to explain."""
    cause = change["cause"]
    told = _told(change)
    words = cause_words(change)
    if cause["reason"] == "arguments" and told is not None and told["path"] == cause["path"]:
        words = ""  # the headline says it
    message = one_line(cause["message"])
    return ": ".join(part for part in (f"because {words}" if words else "", message) if part)


def cause_words(change: JsonObject, quote: Quote = str) -> str:
    """A change's cause in words, without what a provider said. `quote` is put around names from specs."""
    cause = change["cause"]
    path = quote(path_text(cause["path"])) if cause["path"] else ""
    upstream = quote(cause["upstream"]) if cause["upstream"] else "something that it needs"
    if cause["reason"] == "arguments" and cause["path"] == ["resolved"]:
        return _MOVED
    path = path if cause["reason"] == "upstream" else path or _all_changed(change, quote)
    words = _REASONS[cause["reason"]].format(path=path or "specification", upstream=upstream)
    return f"{words} ({path})" if cause["reason"] == "upstream" and path else words


def _all_changed(change: JsonObject, quote: Quote) -> str:
    """The arguments that differ, where no one of them is the cause."""
    differences = [d for d in change["differences"] if d["path"] and not _tells_a_move(d)]
    return listed(quote(path_text([key])) for key in dict.fromkeys(d["path"][0] for d in differences))


def summary(plan: JsonObject) -> str:
    """The whole plan in a line, such as `Plan: 3 to create, 1 to update. 12 unchanged`."""
    counts = plan["summary"]
    parts = [f"{counts[action]} {words}" for action, words in _COUNTED if counts[action]]
    if parts:
        unchanged = f" {plan['unchanged']} unchanged." if plan["unchanged"] else ""
        return f"Plan: {', '.join(parts)}.{unchanged}"
    if plan["operation"] == "destroy":
        return "No changes. There is nothing to destroy."
    unhealed = [drift for drift in plan["drift"] if not drift["healed"]]
    if unhealed and all(drift["silent"] for drift in unhealed):
        return "No changes are planned, but not everything that runs answers."
    if unhealed:
        return "No changes are planned, but not everything runs as it was last applied."
    if plan["targets"]:
        return "No changes. What was asked for runs as declared."
    return "No changes. Everything runs as declared."


def told_difference(change: JsonObject) -> str:
    """The one difference worth telling in a headline: `version 1 -> 2`; else empty."""
    difference = _told(change)
    return "" if difference is None else _difference_text(difference)


def scope(plan: JsonObject, quote: Quote = str) -> str:
    """Says that a plan covers a part only; empty for a whole one."""
    if not plan["targets"]:
        return ""
    return f"Only {listed(map(quote, plan['targets']))} and what belongs to it (--target)."


def interruptions(plan: JsonObject, quote: Quote = str) -> str:
    """Says whose callers will notice; empty if nobody's."""
    whose: defaultdict[str, list[JsonObject]] = defaultdict(list)
    for change in filter(itemgetter("interrupts"), plan["changes"]):
        whose[_cut(change)].append(change)
    return " ".join(
        f"{form[len(whose[cut]) > 1]}: {listed(quote(change['address']) for change in whose[cut])}."
        for cut, form in _CUTS.items()
        if cut in whose
    )


_CUTS: Final = {
    "gap": ("Service will be interrupted", "Service will be interrupted"),
    "gap, maybe": ("Service may be interrupted", "Service may be interrupted"),
    "move": ("Its address will change", "Their addresses will change"),
    "move, maybe": ("Its address may change", "Their addresses may change"),
    "end": ("Service will end", "Service will end"),
}
"""What callers notice, of one deployment and of several."""


def _cut(change: JsonObject) -> str:
    if change["planned"] is None:
        return "end"
    return f"{'move' if moved_from(change) else 'gap'}{', maybe' if _hinges_on(change) else ''}"


def _hinges_on(change: JsonObject) -> str:
    """The one that must turn out otherwise than before for a change to be one at all; else empty."""
    hinges = change["cause"]["reason"] == "upstream" and all(
        map(itemgetter("unknown"), change["differences"])
    )
    return change["cause"]["upstream"] or "" if hinges else ""


def interruption(change: JsonObject) -> str:
    """Says of one change that callers will notice."""
    if change["planned"] is None:
        return "ends service: callers will get no answer any more"
    upstream = _hinges_on(change)
    unless = f", unless {upstream} turns out as before" if upstream else ""
    url = moved_from(change)
    if url:
        return f"its address changes{unless}: callers of {url} must move{_way_to_stay(change)}"
    return f"interrupts service{unless}: callers will notice a short gap"


def moved_from(change: JsonObject) -> str:
    """The URL at which a deployment will not answer any more once it is rolled out; else empty."""
    moved = next(filter(_tells_a_move, change["differences"]), None)
    return one_line(moved["prior"]) if moved and change["planned"] is not None else ""


def _way_to_stay(change: JsonObject) -> str:
    """What keeps an address from now on, where a spec can say so."""
    has_port = (change["planned"].get("endpoint") or {}).get("port") is not None
    stays = (change["prior"] or {}).get("provider") == change["planned"].get("provider")
    return "; set endpoint.port to keep one" if stays and not has_port else ""


def drift_groups(plan: JsonObject) -> Iterator[tuple[str, list[JsonObject]]]:
    """What was found amiss, by its sort: a title without punctuation, and what stands under it."""
    for title, silent in ((_CHANGED_OUTSIDE, False), (_SILENT, True)):
        group = [drift for drift in plan["drift"] if drift["silent"] is silent]
        if group:
            yield title, group


def drift_headline(drift: JsonObject) -> str:
    """What was found at one address, and whether this plan puts it right."""
    message = one_line(drift["message"]) or "it is not as it was applied"
    if drift["healed"]:
        fate = "this plan puts it right"
    elif drift["silent"]:
        fate = f"to start it anew: `specr apply --replace {drift['address']}`"
    else:
        fate = "not touched by this plan"
    return f"{drift['address']}: {message} ({fate})"


def listed(items: Iterable[str], limit: int = 5) -> str:
    """`a, b and 3 more`."""
    names = list(items)
    if len(names) <= limit:
        return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else ""
    return f"{', '.join(names[:limit])} and {len(names) - limit} more"


def counted(number: int, noun: str) -> str:
    """`1 field`, `2 fields`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def size_text(size: int) -> str:
    """A number of bytes for people: `512 B`, `1.4 MB`."""
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def one_line(message: str) -> str:
    """A message of whatever origin as one safe line, without its final full stop."""
    text = neutral(" ".join(message.split())).removesuffix(".")
    return text if len(text) <= _WORD_LIMIT else f"{text[:_WORD_LIMIT]}…"


def _told(change: JsonObject) -> dict[str, Any] | None:
    """The difference that a headline tells: a well-known one, or the only one."""
    if change["prior"] is None or change["planned"] is None:
        return None
    found: list[dict[str, Any]] = [d for d in change["differences"] if _fits_a_headline(d)]
    for path in _TOLD_FIRST:
        for difference in found:
            if difference["path"] == path:
                return difference
    others = [d for d in change["differences"] if not _tells_a_move(d)]
    return found[0] if len(others) == 1 and found else None


def _tells_a_move(difference: JsonObject) -> bool:
    """Whether this is about the address that callers know, not about the port that a spec asks for."""
    is_url = isinstance(difference["prior"], str) and difference["prior"] != ""
    return difference["path"] == ["endpoint"] and is_url


def _fits_a_headline(difference: JsonObject) -> bool:
    values = (difference["prior"], difference["planned"])
    return (
        not difference["unknown"]
        and all(v is not None and is_scalar(v) for v in values)
        and len(_difference_text(difference)) <= _HEADLINE_WIDTH
    )


def _difference_text(difference: JsonObject) -> str:
    pair = pair_text(difference["prior"], difference["planned"], 10_000)
    return f"{path_text(difference['path'])} {pair}"
