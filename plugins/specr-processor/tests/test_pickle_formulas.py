"""Which formulas count as data, and which as code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from specr_processor.pickles.formulas import flaw_of

ORDINARY = [
    "y ~ x",
    "Lottery ~ Literacy * Wealth + C(Region) - 1",
    "y ~ np.log(income) + balance + C(region, Treatment(reference='north'))",
    "np.log1p(y) ~ I(x**2) + I(x / z) + np.power(x, 3) + 0",
    "y ~ bs(age, df=4, include_intercept=True) + cr(z, df=3, constraints='center') + te(cr(x, 3), cc(z, 4))",
    'y ~ Q("a column") + center(x) + standardize(z) + scale(x):z',
    "y ~ (a + b + c)**2 + a:b + log(x) + sqrt(np.abs(z))",
    "y ~ np.sin(2 * np.pi * t / 12) + np.where(x > 0, x, 0) + (x > 1) + x.shift(1) + np.maximum(x, 0.5)",
    "y ~ pd.Categorical(g) + C(g, levels=['a', 'b']) + x.astype(float)",
    "y ~ a +\n b +\n c",
    "y ~ größe + when.dt.year + x[0]",
    "y ~ x if True else not (z)",
    "",
]
HARMFUL = [
    "y ~ __import__('os').system('touch x')",
    "y ~ os.system('x')",
    "y ~ eval('1')",
    "y ~ getattr(x, 'y')",
    "y ~ np.load('x')",
    "y ~ np.lib.npyio.load('x')",
    "y ~ np.vectorize(x)(z)",
    "y ~ pd.eval('1')",
    "y ~ pd.read_pickle('x')",
    "y ~ x.to_pickle('x')",
    "y ~ x.apply(print)",
    "y ~ x.query('1')",
    "y ~ x.__class__",
    "y ~ np.log.__self__",
    "y ~ (eval)('1')",
    "y ~ [eval][0]('1')",
    "y ~ {'a': eval}['a']('1')",
    "y ~ [a for a in (1,) if x]",
    "y ~ (lambda: 1)()",
    "y ~ (a := 1)",
    "y ~ f'{x}'",
    "y ~ I(f'{eval(1)}')",
    "y ~ rb'x'",
    "y ~ Q('\\'') + eval('1')",
    "y ~ '''x'''",
    'y ~ Q("\'") + x',
    "y ~ `a\"b` + eval('1') + `c\"d`",
    "y ~ x # y",
    "y ~ eval # \n ('1')",
    "y ~ eval\n('1')",
    "y ~ \uff45\uff56\uff41\uff4c('1')",
    "y ~ (x",
    "y ~ 'a",
    "y ~ $x",
    "y ~ yield x",
    "y ~ 1('x')",
]


@pytest.mark.parametrize("formula", ORDINARY)
def test_what_computes_with_columns_is_data(formula: str) -> None:
    assert flaw_of(formula) is None


@pytest.mark.parametrize("formula", HARMFUL)
def test_what_calls_anything_else_is_code(formula: str) -> None:
    assert flaw_of(formula)


TERMS = st.recursive(
    st.sampled_from(["x", "z", "1", "Q('a b')", "C(g)"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/:"), inner).map(" ".join),
        inner.map("({})".format),
        inner.map("np.log({})".format),
        inner.map("I({} ** 2)".format),
    ),
    max_leaves=8,
)


@given(TERMS, st.sampled_from(["eval('1')", "os.remove('x')", "x.apply(f)", "x.__init__"]), TERMS)
def test_harm_is_seen_wherever_it_stands(before: str, harm: str, after: str) -> None:
    assert flaw_of(f"y ~ {before} + {after}") is None
    assert flaw_of(f"y ~ {before} + {harm} + {after}")
    assert flaw_of(f"y ~ {before} + np.log({harm}) * {after}")
    assert flaw_of(f"{harm} ~ {before} - {after}")
