"""The examples of the dynamic pass's cards, run by the pass itself. One child runs them all."""

import pytest

from nanlint.cards import Card, Example, load_cards
from nanlint.testing import compare, read_marks
from nanlint.trace.examples import example_name, of_file, trace_texts
from nanlint.trace.results import Results

CARDS = load_cards()
EXAMPLES = [(card, example) for card in CARDS if card.traced for example in card.examples]


def _id(value: Card | Example) -> str:
    return value.code if isinstance(value, Card) else f"{value.heading.split()[0]}-{value.number}"


@pytest.fixture(scope="module")
def traced(once) -> Results:
    texts = {example_name(*one): read_marks(one[1].code).code for one in EXAMPLES}
    return once("trace_cards", lambda: trace_texts(texts, CARDS))


@pytest.mark.parametrize(("card", "example"), EXAMPLES, ids=_id)
def test_example(card: Card, example: Example, traced: Results) -> None:
    marked = read_marks(example.code)
    assert not compare(marked.expectations, of_file(traced, example_name(card, example)))
    own = [mark for mark in marked.expectations if mark.code == card.code]
    assert bool(own) == (example.heading == "Bad")


def test_every_example_was_traced(traced: Results) -> None:
    assert not traced.troubles
    assert len({model.target for model in traced.models}) == len(EXAMPLES)
