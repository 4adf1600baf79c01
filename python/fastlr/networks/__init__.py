"""Small networks of dense layers on the loop of gradient descent.

`shape` says what the layers are and where their parameters lie, `rows` what a network is trained on, `engine` runs
epochs in the kernels and `training` puts these together: everything that trains, `fastlr.network` and estimators alike,
goes through a `Training`. `network` and `fitted` are what users see, in Keras's words.
"""

from fastlr.networks.shape import ACTIVATIONS, Shape
from fastlr.networks.training import Training

__all__ = ["ACTIVATIONS", "Shape", "Training"]
