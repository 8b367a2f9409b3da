"""States that allowed classes act on: code in what should be data.

Most classes keep the state that a pickle gives them. These do more:

- statsmodels' data evaluate their formula when they are unpickled (`ModelData.__setstate__`), as patsy and
  formulaic do it: any Python that stands in it.
- scikit-learn's ensembles call the methods of their parts that they have the names of, such as
  `StackingClassifier.stack_method_`; with other parts than estimators, those are other methods.
"""

import re
from collections.abc import Iterator
from typing import Final

from specr_processor.pickles.formulas import flaw_of
from specr_processor.pickles.known import words
from specr_processor.pickles.trace import Doubt
from specr_processor.pickles.values import Items, Made, Ref, Table

_FORMULAS: Final = "statsmodels.formula"
"""The name in a policy that allows formulas to call anything."""
_RESTORED: Final = ("restore_design_info", "restore_model_spec")
_SHOWN: Final = 60

_DATA: Final = re.compile(r"statsmodels\..*\b(Model|Patsy|Formulaic|Pandas)Data")
_CALLER: Final = re.compile(r"sklearn\..*\b(_BaseStacking|Stacking\w+|(Fixed|Tuned)Threshold\w+)")

_NAMES: Final = ("stack_method_", "response_method")
_METHODS: Final = words("auto decision_function predict predict_log_proba predict_proba transform")

_CLASS_MAKERS: Final = ("builtins.type", "abc.ABCMeta")
_FARTHEST: Final = 1_000
"""How many values are looked at to tell what something was made of."""


class States:
    """The states that one pickle sets."""

    def __init__(self) -> None:
        """None as yet."""
        self._doubts: list[Doubt] = []
        self._names: list[tuple[object, str, int]] = []

    def set_on(self, target: Made, at: int) -> None:
        """Note the state that an object has just got, by the instruction at a byte."""
        state = target.state
        if isinstance(state, Table) and state.is_known:
            self._known(target, state, at)
        elif isinstance(state, Table | Made | Ref) and _may_be(target, _DATA, _CALLER):
            self._doubts.append(Doubt("it sets a state that can't be followed", at))
        elif isinstance(state, tuple) and _may_be(target, _CALLER):
            self._doubts.append(Doubt("it sets its attributes in a way that scikit-learn does not", at))

    def doubts(self) -> Iterator[Doubt]:
        """What may do harm. Lists may have changed since they were set; this is for the pickle's end."""
        yield from self._doubts
        for names, key, at in self._names:
            if wrong := _wrong_name(names):
                yield Doubt(f"it has scikit-learn call {wrong} ({key})", at)

    def _known(self, target: Made, state: Table, at: int) -> None:
        entries = state.entries
        if any(key in entries for key in _RESTORED):
            self._formula(entries.get("formula"), at)
        found = [key for key in _NAMES if key in entries]
        if found and _may_be(target, _CALLER):
            self._names += [(entries[key], key, at) for key in found]

    def _formula(self, formula: object, at: int) -> None:
        """It is evaluated now, so what the table gets later does not matter."""
        if not isinstance(formula, str):
            self._doubts.append(Doubt("it evaluates a formula that it computes", at, _FORMULAS))
        elif flaw := flaw_of(formula):
            shown = formula if len(formula) <= _SHOWN else f"{formula[:_SHOWN]}…"
            why = f"it evaluates the formula {shown!r}, which {flaw}"
            self._doubts.append(Doubt(why, at, _FORMULAS))


def makes_class(callee: object, arguments: object) -> bool:
    """Whether a call makes a class, in which a state may hide. Models have their classes by name."""
    if not isinstance(callee, Ref):
        return False
    known = arguments if isinstance(arguments, tuple) else None
    if callee.is_one_of(*_CLASS_MAKERS):
        return known is None or len(known) != 1
    called = known[0] if known and callee.name in ("partial", "reduce") else None
    return isinstance(called, Ref) and called.is_one_of(*_CLASS_MAKERS)


def _wrong_name(names: object) -> str | None:
    """What is no name of a method that makes predictions."""
    if isinstance(names, Items):
        texts, whole = names.texts, not names.others
    else:
        parts = names if isinstance(names, tuple) else (names,)
        texts = [part for part in parts if isinstance(part, str)]
        whole = len(texts) == len(parts)
    if not whole:
        return "methods whose names it computes"
    wrong = [text for text in texts if text not in _METHODS]
    return f"the method {wrong[0]!r}" if wrong else None


def _may_be(target: Made, *classes: re.Pattern[str]) -> bool:
    """Whether one of these classes takes part in how an object is made."""
    for part in _parts(target.callee, target.arguments):
        if part is None:
            return True
        if isinstance(part, Ref) and any(kind.fullmatch(f"{part.module}.{part.name}") for kind in classes):
            return True
    return False


def _parts(*values: object) -> Iterator[Ref | None]:
    """All globals that values are made of; None at last where there is too much to look at."""
    waiting, seen = list(values), 0
    while waiting:
        value = waiting.pop()
        seen += 1
        if seen > _FARTHEST:
            yield None
            return
        match value:
            case Ref():
                yield value
            case Made():
                waiting += [value.callee, value.arguments]
            case tuple():
                waiting += value[:_FARTHEST]
            case Items():
                waiting += value.parts[:_FARTHEST]
            case Table():
                waiting += list(value.entries.values())[:_FARTHEST]
            case _:
                pass
