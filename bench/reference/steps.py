"""Does work that is counted in steps: as many as each line of its input says, and answers each with a line."""

import sys


def work(steps):
    number = 0
    for step in range(steps):
        number += step * step
    return number


for line in sys.stdin:
    print(work(int(line)), flush=True)
