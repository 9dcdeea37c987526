"""In-place changes that loops and branches leave: what is kept of them, and that it stays small."""

from nanlint.flow.program import interpret
from nanlint.flow.state import State, joined_changes
from nanlint.ir.lower import lower_module
from nanlint.source import Source
from nanlint.syntax import parse
from nanlint.values.value import UNKNOWN, Terms, number


def test_a_change_on_one_path_only_is_a_doubt():
    terms = Terms()
    a, b = State({}), State({})
    left, right, both = terms.fresh(), terms.fresh(), terms.fresh()
    same = number(3)
    a.changed = {left: number(1), both: same}
    b.changed = {right: UNKNOWN, both: same}
    joined = joined_changes(a, b, terms)
    assert list(joined) == [left, both, right]
    assert joined[both] is same
    assert joined[left].range.nan
    assert joined[right].range.nan


def test_changes_that_are_held_or_lead_on_stay():
    terms = Terms()
    held, link, lost, old = terms.fresh(), terms.fresh(), terms.fresh(), terms.make("param", "x", 1)
    after = number(1).with_term(link)
    state = State({"y": UNKNOWN.with_term(held)})
    state.changed = {old: number(0), held: after, link: number(2), lost: number(3)}
    state.forget_changes([held, link, lost])
    assert set(state.changed) == {old, held, link}


def test_what_loops_in_loops_change_stays_small(monkeypatch):
    most = 0

    def seen(self, terms, real=State.forget_changes):
        nonlocal most
        most = max(most, len(self.changed))
        real(self, terms)

    monkeypatch.setattr(State, "forget_changes", seen)
    stores = "".join(f"{' ' * 20}x[{at}, i, j, k] = {at}\n" for at in range(10))
    text = (
        "import torch\n\n\ndef f(n):\n    x = torch.zeros(n, n, n, n)\n"
        "    for i in range(n):\n        for j in range(n):\n"
        f"            for k in range(n):\n                if i < j:\n{stores}    return torch.log(x)\n"
    )
    source = Source("a.py", text)
    interpret(lower_module(parse(source), source), everything=True)
    assert 0 < most < 200
