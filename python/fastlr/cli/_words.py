"""Messages of the package in the words of the command line: options, not Python arguments."""

from __future__ import annotations

import re
import shlex

_OPTIONS = {
    "accuracy": "--accuracy",
    "alpha": "--alpha",
    "batch_size": "--batch-size",
    "decimal": "--decimal",
    "delimiter": "--delimiter",
    "encoding": "--encoding",
    "epochs": "--epochs",
    "epsilon": "--epsilon",
    "learning_rate": "--learning-rate",
    "loss": "--loss",
    "missing": "--missing",
    "n_threads": "--threads",
    "na": "--na",
    "optimizer": "--optimizer",
    "patience": "--patience",
    "precision": "--accuracy",
    "random_state": "--seed",
    "sample_weight": "--weights",
    "skip": "--skip",
    "tol": "--tol",
    "validation": "--validation",
    "verbose": "--verbose",
}
_FLAGS = {
    ("fit_intercept", "False"): "--no-intercept",
    ("standardize", "True"): "--standardize",
    ("standardize", "False"): "--no-standardize",
}
_VALUES = {
    ("precision", "double_double"): "max",
    ("tol", "None"): "none",
    ("patience", "None"): "none",
}
_ARGUMENT = re.compile(
    rf"\b({'|'.join([*_OPTIONS, *(name for name, _ in _FLAGS)])})="
    r"""('[^']*'|"[^"]*"|[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:e[+-]?\d+)?|[+-]?\w+)"""
)


_PHRASES = (  # what only Python can do is left out
    (
        r': ask for those of the penalised coefficients by cov_type="HC1", or by '
        r'with_covariance\("nonrobust", X, y\)',
        ": --robust HC1 gives those of the penalised coefficients",
    ),
    (r": fit by fastlr\.ols\b", ": --method exact estimates them"),
    (
        r'which moments do not have: fit\.with_covariance\("HC1", .*\)\.',
        "--robust HC1 looks at them.",
    ),
    (r"\btidy\(\) has all of them", "--format json has all of them"),
    (r": summary\(target=name\) shows one of them", ": --format json has all of them"),
    (
        r" take larger batches, or average the iterates \(fastlr\.SGDRegressor\(.*?\)\)",
        " or take larger batches",
    ),
    (r"a ridge penalty(?! \()", "a ridge penalty (--alpha)"),
    (r"\bfastlr\.ols\b", "--method exact"),
    (r"\(fastlr\.schedules\)", "(--learning-rate cosine, for one)"),
    (r"\boptimizer and learning_rate\b", "--optimizer and --learning-rate"),
    (r"(?<!-)\b(learning|batch)_(rate|size)\b(?!=)", r"--\1-\2"),
)


def in_options(message: str) -> str:
    """The message with ``learning_rate='auto'`` as ``--learning-rate auto``, and so on."""

    def option(found: re.Match[str]) -> str:
        name, value = found[1], found[2]
        if value[0] in "'\"":
            value = value[1:-1]
        if (name, value) in _FLAGS:
            return _FLAGS[name, value]
        if name not in _OPTIONS:
            return found[0]
        return f"{_OPTIONS[name]} {shlex.quote(_VALUES.get((name, value), value))}"

    message = _ARGUMENT.sub(option, message)
    for phrase, words in _PHRASES:
        message = re.sub(phrase, words, message)
    return message


def argument_of(message: str, names: set[str]) -> str | None:
    """The argument that an error is about, if its message begins with one of ``names``."""
    found = re.match(r"(\w+)=", message)
    return found[1] if found and found[1] in names else None
