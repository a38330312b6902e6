"""The process that tries patterns on texts: a JSON line in, a JSON line out, and it can be killed.

It is run as a program and knows nothing of AI Agent Lab. Only the end of a process stops a pattern that never ends.
"""

from __future__ import annotations

import json
import re
import sys
from functools import lru_cache

compiled = lru_cache(maxsize=256)(re.compile)


def main() -> None:
    """Answer until the parent closes the pipe."""
    for line in sys.stdin.buffer:
        request = json.loads(line)
        found = compiled(request["pattern"], request["flags"]).search(request["text"])
        groups = None if found is None else [found[0], *found.groups()[:1]]
        sys.stdout.buffer.write(json.dumps(groups).encode("ascii") + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
