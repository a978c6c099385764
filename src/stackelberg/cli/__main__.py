"""`python -m stackelberg.cli`: the command line without an installed script."""

from stackelberg.cli import main

main()
