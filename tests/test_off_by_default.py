"""Rules that are off by default: who asks for one hears of it, and nobody else does."""

import json
from pathlib import Path

import pytest

from nanlint.cards import CardError, load_cards
from nanlint.config import ConfigError, Settings, check_selectors

# a rule of a team's own, so that nothing here depends on which of ours are off
CARD = """# A call of ours

```toml
severity = "warning"
report = "possible"
default = false
since = "unreleased"
message = "{operation} of `{operand}`"

[operation."torch.erfinv"]
operand = 0
safe = "-1 < x < 1"
```

## What it does

Looks for it. The rule is off by default.

## Why is this bad?

It is infinite.

## Bad

```python
import torch


def f(x):
    return torch.erfinv(torch.tanh(x))  # warning: TEAM101 "erfinv"
```

## Good

```python
import torch


def f(x):
    return torch.erfinv(torch.tanh(x) / 2)
```

## Silent on purpose

None.

## Fix safety

There is no repair.

## When it is wrong

Never.

## References

None.
"""
CODE = "import torch\n\n\ndef f(x):\n    return torch.erfinv(torch.tanh(x))\n"
SETTINGS = 'extra-rules = ["lint"]\n'


@pytest.fixture
def found(run, write):
    """The codes that are reported for CODE, with what stands in the settings file and on the command line."""
    write(CARD, "lint/TEAM101-end-of-range.md")
    write(CODE)

    def found(*arguments: str, settings: str = "") -> list[str]:
        write(SETTINGS + settings, "nanlint.toml")
        code, out, err = run("check", "--no-cache", "--output-format", "json", *arguments)
        assert code in {0, 1}, err
        return [one["code"] for one in json.loads(out)]

    return found


def test_nothing_is_said_unasked(found):
    assert found() == []
    assert found("--evidence", "unknown") == []
    assert found("--select", "DEFAULT") == []
    assert found(settings='select = ["DEFAULT"]\n') == []
    assert found(settings='rules.TEAM101.severity = "error"\n') == []


@pytest.mark.parametrize("word", ["TEAM101", "TEAM", "end-of-range", "ALL"])
def test_it_speaks_if_it_is_asked_for(found, word):
    assert found("--select", word) == ["TEAM101"]
    assert found("--extend-select", word) == ["TEAM101"]
    assert found(settings=f'select = ["{word}"]\n') == ["TEAM101"]
    assert found(settings=f'extend-select = ["{word}"]\n') == ["TEAM101"]
    assert found("--ignore", "TEAM101", settings=f'extend-select = ["{word}"]\n') == []


def test_a_suppression_of_it_is_not_called_unused(found, write):
    write("import torch\n\nx = torch.zeros(3)  # nanlint: ignore[TEAM101] kept for those who want it\n")
    assert found() == []
    assert found("--extend-select", "TEAM101") == ["NAN001"]


def test_its_examples_are_run(run, write):
    write(CARD, "lint/TEAM101-end-of-range.md")
    assert run("test-rules", "lint")[1].strip() == "all examples hold"
    write(CARD.replace("# warning: TEAM101", "# error: TEAM101"), "lint/TEAM101-end-of-range.md")
    assert "expected error: TEAM101" in run("test-rules", "lint")[1]


def test_it_is_shown_as_off(run, write):
    write(CARD, "lint/TEAM101-end-of-range.md")
    write(SETTINGS, "nanlint.toml")
    assert "off by default: --extend-select TEAM101" in run("rule", "TEAM101")[1].splitlines()[0]
    (line,) = (line for line in run("rule", "--all")[1].splitlines() if line.startswith("TEAM101"))
    assert line.endswith("(off by default)")
    shown = {one["code"]: one["default"] for one in json.loads(run("rule", "--all", "--output-format", "json")[1])}
    assert shown["TEAM101"] is False
    assert shown["NAN101"] is True


def test_default_stands_for_rules_only_where_they_are_chosen():
    cards = load_cards()
    check_selectors(Settings(select=("DEFAULT", "NAN1")), cards)
    with pytest.raises(ConfigError, match="unknown rule `DEFAULT`"):
        check_selectors(Settings(ignore=("DEFAULT",)), cards)


def test_the_key_is_true_or_false(tmp_path: Path):
    path = tmp_path / "TEAM101-end-of-range.md"
    path.write_text(CARD.replace("default = false", 'default = "no"'), encoding="utf-8")
    with pytest.raises(CardError, match="`default` must be true or false"):
        load_cards((tmp_path,))
