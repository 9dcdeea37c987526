"""Finds the causes of NaN and Inf in deep-learning code before training, explains them, and repairs them."""
