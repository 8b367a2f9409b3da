"""What models of the usual libraries refer to, and may without being asked for.

Of a library's packages only what looks like a class: pickles make objects of classes, and need few
functions, which are listed one by one. A whole package would let in whatever its modules have
imported for themselves, such as `sklearn.utils._testing.check_output`. What can build or run any
code at all (cloudpickle's functions, `getattr`, `operator.methodcaller`) is not here.
"""

import re
from typing import Final


def words(text: str) -> frozenset[str]:
    """Words with blanks between."""
    return frozenset(text.split())


LIBRARIES: Final = words("""
    catboost fastai fastcore formulaic imblearn joblib keras lightgbm mlflow numpy pandas patsy scipy
    sklearn statsmodels tensorflow torch torchvision xgboost
""")
"""Packages whose classes models consist of."""

_CLASS: Final = re.compile(r"_*[A-Z]\w*(\._*[A-Z]\w*)*")
"""How classes are named, also those inside of classes; never a way through a module's imports."""

_TOO_ABLE: Final = re.compile(
    r".*(Popen|Process|Pool|FileIO|File|TemporaryDirectory|Executor|Interpreter|CDLL|DataSource|HDFStore|Writer"
    r"|Handler|Unpickler)"
)
"""Classes that start programs, or read, write and fetch files when they are made."""

_TOOLS: Final = re.compile(
    # joblib's and mlflow's: all but what models hold
    r"joblib\.(?!numpy_pickle$|memory$|_store_backends$).*|mlflow\.(?!pyfunc\.model$|models\.signature$|types\.).*"
    r"|joblib|mlflow"
    r"|numpy\.(f2py|distutils|testing|ctypeslib|lib\._datasource)\b.*"
    r"|pandas\.(core\.computation|io|compat|_testing|testing|util|plotting|tests)\b.*"
    r"|scipy\.(io|datasets|_lib\._ccallback)\b.*"
    r"|(patsy|formulaic)(\..*)?"  # models don't hold their objects, which evaluate texts
    r"|sklearn\.(callback\._transport|datasets|externals|utils\._testing)\b.*"
    r"|torch\.(_dynamo|_inductor|_export|distributed|fx|hub|jit|multiprocessing|package|testing"
    r"|utils\.(benchmark|cpp_extension|bottleneck|tensorboard))\b.*"
)
"""Modules that have no part in a model's data, among whose classes are some that evaluate expressions, import
modules, or write files: `pandas.core.computation.expr.Expr`, mlflow's `LazyLoader`, joblib's `PrintTime`."""

_LOWER_CLASSES: Final = {
    "numpy": re.compile(
        r"u?int(8|16|32|64|c|p)?|u?(byte|short|long|longlong)|float(16|32|64|96|128)|(c?long)?double|half|single"
        r"|csingle|cdouble|complex(64|128|192|256)|bool_?|str_|bytes_|object_|void|datetime64|timedelta64"
        r"|ndarray|matrix|recarray|record|dtype"
    ),
    "scipy": re.compile(r"\w+_(matrix|array|gen|frozen)|cKDTree"),
    "statsmodels": re.compile(
        r"[sdcz](Initialization|KalmanFilter|KalmanSmoother|SimulationSmoother|Statespace)|\w+_gen"
    ),
}
"""Classes in lower case."""

_SCORES: Final = re.compile(r"[a-z]\w*_(score|error|loss|corrcoef|ratios)")
"""What searches for the best model have measured it by: functions of arrays."""

_REBUILDS: Final = {
    "sklearn.metrics._classification": _SCORES,
    "sklearn.metrics._ranking": _SCORES,
    "sklearn.metrics._regression": _SCORES,
    "sklearn.metrics.cluster._supervised": _SCORES,
    "sklearn.metrics.cluster._unsupervised": _SCORES,
    "torch._utils": re.compile(r"_rebuild_\w+"),
    "torch": re.compile(
        r"(float|bfloat|int|uint|complex|qint|quint)\d+|bool|(strided|sparse_coo|contiguous_format)"
    ),
}
"""Further names of single modules, as patterns."""

_CYTHON: Final = re.compile(r"__pyx_unpickle_\w+")
"""What Cython gives each of its classes to be unpickled with."""

UFUNCS: Final = words("""
    abs absolute add arccos arccosh arcsin arcsinh arctan arctanh cbrt ceil clip cos cosh deg2rad degrees diff
    divide exp exp2 expm1 fabs floor isfinite isinf isnan log log10 log1p log2 logical_not max maximum mean
    median min minimum mod multiply nan_to_num negative power prod rad2deg radians ravel reciprocal reshape
    rint round sign sin sinh sqrt square squeeze std subtract sum tan tanh true_divide trunc var
""")
"""Functions of numpy that models hold, as `FunctionTransformer(numpy.log1p)` does."""

_EXACT: Final = frozenset(
    f"{module}.{name}"
    for module, names in {
        "builtins": "bool bytearray bytes complex dict float frozenset int list object range set slice str"
        " tuple type",
        "abc": "ABC ABCMeta",
        "collections": "Counter OrderedDict defaultdict deque",
        "copyreg": "_reconstructor __newobj__ __newobj_ex__",
        "_codecs": "encode",
        "datetime": "date datetime time timedelta timezone",
        "decimal": "Decimal",
        "fractions": "Fraction",
        "functools": "partial reduce",
        "_functools": "partial reduce",
        "operator": "or_",
        "_operator": "or_",
        "pathlib": "Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath",
        "pathlib._local": "Path PosixPath PurePath PurePosixPath",
        "random": "Random",
        "re": "_compile",
        "types": "SimpleNamespace",
        "uuid": "UUID",
        "zoneinfo": "ZoneInfo._unpickle",
        "numpy": " ".join(UFUNCS),
        "numpy._core._multiarray_umath": " ".join(UFUNCS),
        "numpy.core._multiarray_umath": " ".join(UFUNCS),
        "numpy._core.multiarray": "_reconstruct scalar",
        "numpy.core.multiarray": "_reconstruct scalar",
        "numpy._core.numeric": "_frombuffer",
        "numpy.core.numeric": "_frombuffer",
        "numpy.ma.core": "_mareconstruct",
        "numpy.random": "__RandomState_ctor",
        "numpy.random._pickle": "__bit_generator_ctor __generator_ctor __randomstate_ctor",
        "pandas._libs.arrays": "__pyx_unpickle_NDArrayBacked",
        "pandas._libs.internals": "_unpickle_block",
        "pandas._libs.tslibs.nattype": "_nat_unpickle",
        "pandas._libs.tslibs.timestamps": "_unpickle_timestamp",
        "pandas._libs.tslibs.timedeltas": "_timedelta_unpickle",
        "pandas.core.indexes.base": "_new_Index",
        "pandas.core.indexes.datetimes": "_new_DatetimeIndex",
        "pandas.core.indexes.interval": "_new_IntervalIndex",
        "pandas.core.indexes.period": "_new_PeriodIndex",
        "scipy._lib.array_api_compat.numpy._aliases": "asarray",
        "sklearn.cluster._kmeans": "_kmeans_single_elkan _kmeans_single_lloyd",
        "sklearn.compose._column_transformer": "make_column_selector",
        "sklearn.feature_selection._mutual_info": "mutual_info_classif mutual_info_regression",
        "sklearn.feature_selection._univariate_selection": "chi2 f_classif f_oneway f_regression"
        " r_regression",
        "sklearn.metrics._dist_metrics": "newObj",
        "sklearn.neighbors._ball_tree": "newObj",
        "sklearn.neighbors._kd_tree": "newObj",
        "statsmodels.genmod.families.links": "cauchy cloglog identity inverse_power inverse_squared log logc"
        " logit loglog nbinom probit sqrt",
        "statsmodels.tsa.deterministic": "DeterministicProcess",
        "torch": "device",
        "torch._tensor": "_rebuild_from_type_v2",
        "torch.nn.parameter": "_rebuild_parameter",
        "torch.storage": "_load_from_bytes",
    }.items()
    for name in names.split()
)

_RUNS_CODE: Final = re.compile(
    r"(os|posix|nt|subprocess|pty|commands|platform|sys|runpy|importlib|code|shutil|socket|ctypes|pip|timeit|pdb"
    r"|profile|cProfile|webbrowser|multiprocessing)\..*"
    r"|builtins\.(eval|exec|compile|__import__|open|getattr|setattr|delattr|globals|input|breakpoint)"
)
_BRINGS_CODE: Final = re.compile(
    r"(cloudpickle|dill|torch\.package|mlflow\.pyfunc\.cloudpickle)\..*|types\.(CodeType|FunctionType)|marshal\..*"
)


def is_usual(module: str, name: str) -> bool:
    """Whether models of the usual libraries refer to this, and it can do little but hold data."""
    if f"{module}.{name}" in _EXACT:
        return True
    if module == "typing":
        return _CLASS.fullmatch(name) is not None and name != "Text"  # which is str
    library = module.partition(".")[0]
    if library not in LIBRARIES:
        return library == "__torch__"  # TorchScript's own, which no Python module is
    if module in _REBUILDS and _REBUILDS[module].fullmatch(name):
        return True
    if library in _LOWER_CLASSES and _LOWER_CLASSES[library].fullmatch(name):
        return True
    if _TOOLS.fullmatch(module):
        return False
    is_class = _CLASS.fullmatch(name) is not None and _TOO_ABLE.fullmatch(name) is None
    return is_class or _CYTHON.fullmatch(name) is not None


def suggest(module: str, name: str) -> str | None:
    """What to name in a policy to allow this, where that is no recklessness."""
    return None if _RUNS_CODE.fullmatch(f"{module}.{name}") else module.partition(".")[0]


def describe(module: str, name: str) -> str:
    """What is to be said of a global beside its name: "" or a clause."""
    full = f"{module}.{name}"
    if _RUNS_CODE.fullmatch(full):
        return ", which can run commands or read and write files"
    if _BRINGS_CODE.fullmatch(full):
        return ", which runs code that the pickle brings along"
    return ""
