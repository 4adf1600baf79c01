"""Gradient descent as it is taught, and as it is needed: batch, minibatch, single rows.

`descend` prepares (`prepare`: arguments, rows and their statistics, scale, rate), runs (`loop` over an engine of
`engines` or `batches`, with a `state`), and tells (`ending`, `result`). ``loop``, ``epochs``, ``state``, ``schedules``,
``optimizers`` and ``telling`` know nothing of linear regression; `linear` tells them. Other packages may use whatever
a module lists in ``__all__``.
"""

from fastlr.descent.descend import descend
from fastlr.descent.result import Descent, Epoch, History

__all__ = ["Descent", "Epoch", "History", "descend"]
