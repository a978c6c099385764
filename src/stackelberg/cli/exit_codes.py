"""How a command ends, as a number."""

DONE = 0
INPUT_WRONG = 2
NOT_REACHED = 3
INTERRUPTED = 130
