"""A small digit classifier, written the way one writes the first one. Its loss becomes NaN.

    python examples/train_digits.py

`nanlint check examples/train_digits.py` says why before it runs; `repaired/train_digits.py` is what
`nanlint check --fix --unsafe-fixes` makes of this file.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

CLASSES = 10
EPOCHS = 5
BATCH_SIZE = 64
LEARNING_RATE = 0.1


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(64, 512)
        self.output = nn.Linear(512, CLASSES)

    def forward(self, images):
        return self.output(F.relu(self.hidden(images)))


def cross_entropy(scores, labels):
    """The mean of -log p(correct class), one value per image."""
    probabilities = F.softmax(scores, dim=1)
    log_probabilities = torch.log(probabilities)
    return -(F.one_hot(labels, CLASSES) * log_probabilities).sum(dim=1)


def balanced_loss(scores, labels):
    """Average within each class first, so that rare digits count as much as common ones."""
    losses = cross_entropy(scores, labels)
    per_class = []
    for digit in range(CLASSES):
        mask = labels == digit
        per_class.append((losses * mask).sum() / mask.sum())
    return torch.stack(per_class).mean()


def main():
    torch.manual_seed(0)
    images, labels = load_digits(return_X_y=True)
    images = torch.tensor(images, dtype=torch.float32)
    labels = torch.tensor(labels)

    model = Classifier()
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)

    step = 0
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(images)).split(BATCH_SIZE):
            loss = balanced_loss(model(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if step % 10 == 0:
                print(f"step {step:3}: loss {loss.item():.4f}")
            step += 1


if __name__ == "__main__":
    main()
