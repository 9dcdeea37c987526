"""A feed-forward classifier of digits, with every mistake of a first training script. Its loss is NaN from the first step.

    python examples/train_deep.py

`nanlint check examples/train_deep.py` names all of its causes at once: pixels that are divided by a deviation of 0,
weights that make the signal explode, the logarithm of a softmax, a learning rate that no network survives, and gradients
that nothing bounds. To mend
the first that comes up only brings the next to light; `repaired/train_deep.py` is what
`nanlint check --fix --unsafe-fixes` makes of this file.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits


class Network(nn.Module):
    def __init__(self, width=256, depth=4):
        super().__init__()
        self.first = nn.Linear(64, width)
        self.hidden = nn.ModuleList([nn.Linear(width, width) for _ in range(depth)])
        self.last = nn.Linear(width, 10)
        self.apply(self.initialise)

    def initialise(self, module):
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight)
            nn.init.zeros_(module.bias)

    def forward(self, images):
        x = F.relu(self.first(images))
        for layer in self.hidden:
            x = F.relu(layer(x))
        return self.last(x)


def standardise(images):
    """Every pixel with mean 0 and deviation 1. The pixels in the corners are 0 in every image."""
    return (images - images.mean(dim=0)) / images.std(dim=0)


def main():
    torch.manual_seed(0)
    images, labels = load_digits(return_X_y=True)
    images = standardise(torch.tensor(images, dtype=torch.float32))
    labels = torch.tensor(labels)

    model = Network()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.5)

    step = 0
    for _ in range(5):
        for batch in torch.randperm(len(images)).split(64):
            scores = model(images[batch])
            loss = -torch.log(F.softmax(scores, dim=1)).gather(1, labels[batch, None]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % 10 == 0:
                print(f"step {step:3}: loss {loss.item():.4f}")
            step += 1


if __name__ == "__main__":
    main()
