"""What can be done with the styles of StyleGANs: mixing, moving, editing, projecting.

All functions take a model with styles, such as `kg.models.StyleGAN2`. N: styles, L:
layers that take one, S: size of one.
"""

from keras_gans.latent_tools.film import interpolation_video
from keras_gans.latent_tools.mixing import style_mixing_grid
from keras_gans.latent_tools.projection import project
from keras_gans.latent_tools.sefa import sefa_directions

__all__ = [
    "interpolation_video",
    "project",
    "sefa_directions",
    "style_mixing_grid",
]
