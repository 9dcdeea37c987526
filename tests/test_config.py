"""Settings from files and from the command line."""

import pytest

from nanlint.cards import load_cards
from nanlint.config import ConfigError, Configuration, RuleOptions, Settings, check_selectors, load_settings
from nanlint.diagnostic import Evidence

CARDS = load_cards()


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text, name="nanlint.toml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path.parent

    return write


def test_everything(write):
    root = write(
        'select = ["NAN1"]\nextend-select = ["ALL"]\nignore = ["log-of-zero"]\nevidence = "unknown"\nepsilon = 1e-6\n'
        'assume-positive = ["*_scale"]\nsafe-functions = ["mylib.safe_*"]\n'
        'exclude = ["legacy"]\nextra-rules = ["lint/rules"]\n[rules.NAN111]\nevidence = "certain"\nepsilon = 1\n'
    )
    assert load_settings() == Settings(
        select=("NAN1",),
        extend_select=("ALL",),
        ignore=("log-of-zero",),
        evidence=Evidence.UNKNOWN,
        epsilon=1e-6,
        assume_positive=("*_scale",),
        safe_functions=("mylib.safe_*",),
        exclude=("legacy",),
        extra_rules=(root / "lint/rules",),
        rules={"NAN111": RuleOptions(Evidence.CERTAIN, 1.0)},
        cache_dir=root / ".nanlint_cache",
        root=root,
        source=root / "nanlint.toml",
    )


def test_the_nearest_file_that_speaks_of_nanlint(write, tmp_path):
    write('[tool.nanlint]\nignore = ["NAN101"]\n', "pyproject.toml")
    write("[tool.other]\n", "src/pyproject.toml")
    write("", "src/pkg/a.py")
    write("", "src/b.py")
    assert load_settings("src/pkg/a.py").ignore == ("NAN101",)
    write('ignore = ["NAN102"]', "src/nanlint.toml")
    configuration = Configuration()
    assert configuration.for_file("src/pkg/a.py").ignore == ("NAN102",)
    assert configuration.for_file("src/b.py").ignore == ("NAN102",)
    assert configuration.for_file("c.py").ignore == ("NAN101",)
    assert configuration.for_file("missing/d.py").root == tmp_path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ignor = []", "nanlint.toml: unknown key `ignor`; did you mean `ignore`?"),
        ("zzz = 1", "nanlint.toml: unknown key `zzz`; valid are: select, "),
        ('select = "NAN1"', "nanlint.toml: `select` must be a list of strings"),
        ("select = [1]", "nanlint.toml: `select` must be a list of strings"),
        ('evidence = "sure"', "nanlint.toml: `evidence` must be one of unknown, possible, certain"),
        ("epsilon = 0", "nanlint.toml: `epsilon` must be a number above 0"),
        ("epsilon = true", "nanlint.toml: `epsilon` must be a number above 0"),
        ("rules = 1", "nanlint.toml: `rules` must hold one table per rule, like [rules.NAN101]"),
        ("[rules.NAN101]\nepsilom = 1", "nanlint.toml: unknown key `epsilom`; did you mean `epsilon`?"),
        ("select = [", "nanlint.toml: cannot be read: "),
    ],
)
def test_one_clear_line(write, text, message):
    write(text)
    with pytest.raises(ConfigError) as error:
        load_settings()
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("word", "hint"),
    [("NAN1O2", "NAN1"), ("log-of-sofmax", "log-of-softmax"), ("LOG-OF-ZEROS", "log-of-zero"), ("all", "")],
)
def test_unknown_rules(word, hint):
    with pytest.raises(ConfigError) as error:
        check_selectors(Settings(select=(word,)), CARDS)
    assert str(error.value).startswith(f"unknown rule `{word}`")
    assert hint in str(error.value)


def test_unknown_rule_in_a_table():
    with pytest.raises(ConfigError, match="unknown rule `NAN999` in the settings"):
        check_selectors(Settings(rules={"NAN999": RuleOptions()}), CARDS)


@pytest.mark.parametrize("word", ["ALL", "NAN", "NAN1", "NAN10", "NAN101", "log-of-zero"])
def test_selectors(word):
    check_selectors(Settings(select=(word,)), CARDS)
    assert Settings(select=(word,)).selects("NAN101", "log-of-zero")
    assert not Settings(ignore=(word,), select=("NAN1",)).selects("NAN101", "log-of-zero") or word in {"ALL", "NAN"}


def test_the_more_specific_selector_decides():
    settings = Settings(select=("NAN101",), ignore=("NAN1",))
    assert settings.selects("NAN101", "log-of-zero")
    assert not settings.selects("NAN102", "log-of-softmax")
    assert not Settings(ignore=("NAN101",)).selects("NAN101", "log-of-zero")


def test_command_line_over_file():
    settings = Settings(select=("NAN1",), extend_select=("NAN2",), ignore=("NAN101",))
    assert settings.with_command_line(select=("NAN101",)).selects("NAN101", "log-of-zero")
    assert not settings.with_command_line(ignore=("NAN102",)).selects("NAN102", "log-of-softmax")
    assert settings.with_command_line() == settings


def test_evidence():
    card = next(card for card in CARDS if card.code == "NAN101")
    assert not Settings().reports(card, Evidence.UNKNOWN)
    assert Settings(evidence=Evidence.UNKNOWN).reports(card, Evidence.UNKNOWN)
    quiet = Settings(evidence=Evidence.UNKNOWN, rules={"log-of-zero": RuleOptions(Evidence.CERTAIN)})
    assert not quiet.reports(card, Evidence.POSSIBLE)
    assert quiet.with_command_line(evidence=Evidence.POSSIBLE).reports(card, Evidence.POSSIBLE)
