"""What all latent tools ask of a model."""


def check_styles(gan):
    """Raises unless a model has styles."""
    if not hasattr(gan, "map_latents"):
        raise ValueError(
            "Expected: a model with styles, such as StyleGAN2. Received: "
            f"{type(gan).__name__}. `kg.interpolation` has paths for all models."
        )
