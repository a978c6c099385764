"""`python -m stackelberg` is the command `stackelberg`."""

from stackelberg.cli import main

main()
