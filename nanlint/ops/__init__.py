"""What operations are, and how each framework spells them."""

from nanlint.ops.catalogue import OPERATIONS

__all__ = ["OPERATIONS"]
