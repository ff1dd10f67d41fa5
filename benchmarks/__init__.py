"""What keras_gans costs beside the same work written by hand; see `__main__.py`."""
