"""`python -m nanlint`."""

import sys

# Python puts the current folder first: what is linted there must not stand in for a module that nanlint imports
if not sys.flags.safe_path:
    del sys.path[0]

from nanlint.start import main

main()
