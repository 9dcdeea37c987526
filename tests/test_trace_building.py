"""How models and their inputs are found: everything that a file, a class or a library says of itself is used."""

import pytest

from nanlint.cards import load_cards
from nanlint.trace.examples import trace_texts
from nanlint.trace.protocol import Options
from nanlint.trace.results import Results

HEAD = "import torch\nfrom torch import nn\n\n\n"
NET = """\
class Net(nn.Module):
    def __init__(self, {parameters}):
        super().__init__()
        {make}

    def forward(self, {arguments}):
        return {result}
"""


def _net(parameters: str, make: str, result: str, arguments: str = "x") -> str:
    text = NET.format(parameters=parameters, make=make, arguments=arguments, result=result)
    return HEAD + text.replace("self, )", "self)")


SQUARE = "self.layer = nn.Linear(config.hidden_size, config.hidden_size)"

# the text, the input that is used, how it is built
CASES = {
    "lightning": (
        _net("", "self.layer = nn.Linear(8, 2)\n        self.example_input_array = torch.randn(5, 8)", "self.layer(x)"),
        "5,8:float32", "",
    ),
    "own_method": (
        _net("", "self.layer = nn.Linear(8, 2)", "self.layer(x)") + "\n    def nanlint_example(self):\n"
        "        return torch.randn(3, 8)\n",
        "3,8:float32", "",
    ),
    "function": (
        _net("width", "self.layer = nn.Linear(width, 2)", "self.layer(x)")
        + "\n\ndef nanlint_example():\n    return Net(6), torch.randn(7, 6)\n",
        "7,6:float32", "",
    ),
    "call_in_main": (
        _net("width, depth", "self.layer = nn.Linear(width, depth)", "self.layer(x)")
        + "\n\nif __name__ == '__main__':\n    net = Net(12, depth=3)\n",
        "16,12:float32", "built as the file builds it",
    ),
    "factory": (
        _net("width", "self.layer = nn.Linear(width, 2)", "self.layer(x)")
        + "\n\ndef small():\n    width = nn.Linear(20, 2).in_features\n    return Net(width)\n",
        "16,20:float32", "built by `small`",
    ),
    "guessed": (
        _net("num_features, hidden_dim, num_classes", "self.layer = nn.Linear(num_features, num_classes)",
             "self.layer(x)"),
        "16,32:float32", "built with guessed arguments",
    ),
    "settings": (
        _net("config", "self.words = nn.Embedding(config.vocab_size, config.n_embd)\n"
             "        self.out = nn.Linear(config['n_embd'], config.get('classes', 3))",
             "self.out(self.words(ids))", "ids"),
        "16,16:int64", "built with guessed arguments",
    ),
    "configuration": (
        HEAD.replace("\n\n\n", "\n\n\nclass Config:\n    model_type = 'mine'\n\n    def __init__(self):\n"
                     "        self.hidden_size, self.vocab_size, self.pad_token_id = 4096, 50000, 49999\n\n\n")
        + _net("config", "self.words = nn.Embedding(config.vocab_size, config.hidden_size, config.pad_token_id)",
               "self.words(input_ids)", "input_ids=None").removeprefix(HEAD)
        + "\n    config_class = Config\n\n    @property\n    def dummy_inputs(self):\n"
        "        return {'input_ids': torch.tensor([[7, 6, 0], [1, 2, 3]])}\n",
        "2,3:int64", "built from a small configuration",
    ),
    "annotated_configuration": (
        HEAD.replace("\n\n\n", "\n\n\nclass Config:\n    model_type = 'mine'\n    hidden_size = 512\n\n\n")
        + _net("config: Config", SQUARE, "self.layer(x)").removeprefix(HEAD),
        "16,32:float32", "built with guessed arguments",
    ),
    "data_class": (
        HEAD.replace("\n\n\n", "\nfrom dataclasses import dataclass\n\n\n@dataclass\nclass Config:\n"
                     "    hidden_size: int\n    depth: int = 3\n\n\n")
        + _net("config: Config", SQUARE, "self.layer(x)").removeprefix(HEAD),
        "16,32:float32", "built with guessed arguments",
    ),
    "a_model_of_the_file": (
        HEAD + "net = nn.Sequential(nn.Linear(9, 3))\n", None, None,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def traced(once) -> Results:
    texts = {name: text for name, (text, _, _) in CASES.items()}
    return once("building", lambda: trace_texts(texts, load_cards(), Options(seeds=1)))


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[1] is not None])
def test_built(name: str, traced: Results) -> None:
    _, inputs, how = CASES[name]
    at = list(CASES).index(name)
    troubles = [one.text for one in traced.troubles if one.target == at]
    assert troubles == []
    (model,) = [one for one in traced.models if one.target == at]
    assert (model.inputs, model.how) == (inputs, how)


def test_what_is_not_run_is_not_found(traced: Results) -> None:
    """`nn.Sequential(…)` is a call that might do anything: only `--import` runs it."""
    (trouble,) = [one for one in traced.troubles if one.target == list(CASES).index("a_model_of_the_file")]
    assert trouble.missing
