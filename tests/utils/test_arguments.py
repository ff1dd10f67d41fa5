import pytest

from keras_gans.utils.arguments import RecipeParser
from keras_gans.utils.arguments import existing_file

pytestmark = pytest.mark.once


def test_help_shows_defaults():
    parser = RecipeParser("Line one.\n\n    line two\n")
    parser.add_argument("--epochs", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--share", type=float, default=0.5, help="in %% of x")
    parser.add_argument("--channels", type=int, nargs=2, default=[4, 2], help="of G")
    parser.add_argument("--mark", default="5 %")
    parser.add_argument("--preset", help="to begin with")
    parser.add_argument("--quick", action="store_true")
    for _ in range(2):
        text = parser.format_help()
        assert "Line one.\n\n    line two\n" in text
        for line in (
            "default: 7\n",
            "default: 0\n",
            "of G (default: 4 2)\n",
            "default: 5 %\n",
            "in % of x (default: 0.5)\n",
            "to begin with\n",
        ):
            assert line in text
        assert text.count("default") == 5
    assert parser.parse_args([]).epochs == 7


def test_files_are_looked_for_before_anything_else(tmp_path, capsys):
    parser = RecipeParser("")
    parser.add_argument("picture", type=existing_file)
    (tmp_path / "a.png").touch()
    path = str(tmp_path / "a.png")
    assert parser.parse_args([path]).picture == tmp_path / "a.png"
    for wrong in (tmp_path / "b.png", tmp_path):
        with pytest.raises(SystemExit):
            parser.parse_args([str(wrong)])
        assert f"argument picture: no such file: {wrong}" in capsys.readouterr().err
