"""How the layers of a network are initialised, and what becomes of a signal that passes through them."""
