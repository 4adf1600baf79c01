"""What tests of ``fastlr fit`` do over and over."""

import json


def fitted(run, *arguments, stdin=None):
    """The JSON document of a fit that succeeds."""
    result = run("fit", *arguments, "--format", "json", stdin=stdin)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def coefficients(document):
    """The intercept and the coefficients of the only target, by name."""
    (target,) = document["targets"]
    return {"intercept": target["intercept"], **target["coefficients"]}
