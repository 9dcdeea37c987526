"""`python -m nanlint`."""

from nanlint.cli import main

main()
