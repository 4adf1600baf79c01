"""Exit codes, as promised in every ``--help``."""

DIVERGED = 3
INTERRUPTED = 130
BROKEN_PIPE = 141

EPILOG = """\b
Exit codes:
  0    done (perhaps with a warning on standard error)
  1    the data, a file or the model is bad
  2    the command line is wrong
  3    the gradient descent diverged: its report is no fit, and no model is saved
  130  interrupted (Ctrl-C)
  141  whoever read standard output went away
"""
