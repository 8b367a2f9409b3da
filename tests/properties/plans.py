"""Hypothesis strategies for plans of any shape, sensible or not."""

from __future__ import annotations

import string

from hypothesis import strategies as st

from specr.address import Address
from specr.plan.model import Action, Cause, Change, Difference, Drift, Effect, Plan, Reason
from specr.plan.unknown import placeholder
from specr.state.model import ObjectRef

names = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=12)
addresses = st.builds(
    Address,
    st.sampled_from(["experiment", "artifact", "processor", "runtime", "model", "deployment", "build"]),
    names,
    st.sampled_from(["", "", "risk", "risk.emea"]),
    st.sampled_from(["", "", "eu", "EU_1.x"]),
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40)
)
nasty_texts = st.sampled_from(
    [
        "\x1b[31mred\x1b[0m",
        "```\n# heading\n```",
        "````diff",
        "</details><script>alert(1)</script>",
        "a | b | c",
        "[link](http://evil)",
        "![image](http://evil)",
        "line one\nline two",
        "\r\n\t\x00\x7f\x9b",
        "\u202eright to left\u2066",
        "@everyone #1 fixes",
        "`code`",
        "sha256:" + "ab" * 32,
        "x" * 500,
    ]
)
keys = st.text(max_size=8) | st.sampled_from(["input", "output", "version", "name", "type", "valueFrom"])
values = st.recursive(
    scalars | nasty_texts | st.builds(placeholder, addresses, names),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(keys | nasty_texts, values, max_size=5)
paths = st.lists(keys | nasty_texts | st.integers(0, 9), max_size=3).map(tuple)
texts = st.text(max_size=30) | nasty_texts
differences = st.builds(Difference, paths, values, values, st.booleans())
refs = st.builds(ObjectRef, addresses, names, names, objects)
causes = st.builds(Cause, st.sampled_from(Reason), paths, st.none() | addresses, texts)
changes = st.builds(
    Change,
    address=addresses,
    action=st.sampled_from(Action),
    effect=st.sampled_from(Effect),
    cause=causes,
    prior=st.none() | objects,
    planned=st.none() | objects,
    differences=st.lists(differences, max_size=4).map(tuple),
    unknown=st.lists(paths, max_size=2).map(tuple),
    dependencies=st.lists(addresses, max_size=2).map(tuple),
    after=st.lists(addresses, max_size=2).map(tuple),
    provider=names | st.just(""),
    token=names | st.just(""),
    discard=st.lists(refs, max_size=2).map(tuple),
    basis=names | st.just(""),
    interrupts=st.booleans(),
)
drifts = st.builds(Drift, addresses, texts, st.lists(differences, max_size=3).map(tuple), st.booleans())
plans = st.builds(
    Plan,
    operation=st.sampled_from(["apply", "destroy"]),
    lineage=names,
    serial=st.integers(0, 2**40),
    spec_digest=names,
    changes=st.lists(changes, max_size=6, unique_by=lambda change: change.address).map(tuple),
    drift=st.lists(drifts, max_size=3).map(tuple),
    targets=st.lists(addresses, max_size=2).map(tuple),
    unchanged=st.integers(0, 1000),
)
