"""What the judges share: a table, PASS or FAIL lines, and the exit code."""

import sys


class Judge:
    """Collects verdicts; `finish` ends the process with 0 where all passed."""

    def __init__(self, title):
        self.failed = 0
        print(f"== {title}")

    def row(self, *cells):
        print("   " + "  ".join(f"{cell:>14}" if i else f"{cell:<34}" for i, cell in enumerate(map(str, cells))))

    def check(self, passed, sentence):
        print(("PASS " if passed else "FAIL ") + sentence)
        self.failed += not passed

    def finish(self):
        sys.exit(1 if self.failed else 0)
