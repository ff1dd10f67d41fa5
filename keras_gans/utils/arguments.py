"""Command lines of recipes: defaults are shown, and files are looked for at once."""

import argparse
import pathlib


class RecipeParser(argparse.ArgumentParser):
    """A parser whose `--help` shows the description as it is, and every default.

    Args:
        description: Docstring of the recipe.
    """

    def __init__(self, description):
        super().__init__(
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    def format_help(self):
        """Returns the help, with the defaults of options that have one."""
        for action in self._actions:
            default = action.default
            unset = any(default is value for value in (None, False, argparse.SUPPRESS))
            if not unset and "%(default)" not in (action.help or ""):
                if isinstance(default, list):
                    default = " ".join(map(str, default))
                default = f"default: {default}".replace("%", "%%")
                action.help = f"{action.help} ({default})" if action.help else default
                action.help += "%(default).0s"  # is there once
        return super().format_help()


def existing_file(text):
    """A path of the command line, of a file that is there.

    Args:
        text: Str, as given.

    Returns:
        `pathlib.Path`.

    Raises:
        argparse.ArgumentTypeError: If there is no such file.
    """
    path = pathlib.Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"no such file: {text}")
    return path
