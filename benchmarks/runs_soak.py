"""Kills a lab 500 times at random moments, over all flows of the library, and counts what is lost."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))  # the lab that is killed is the tests' own

from support.flows import LIBRARY
from support.kills import Killer, Left


async def soak(kills: int, beside: int, seed: int) -> Left:
    """Kill until it is enough; what is left."""
    with tempfile.TemporaryDirectory() as folder:
        killer = Killer(Path(folder), LIBRARY, seed=seed)
        while killer.left.kills < kills:
            await killer.kill(runs=2, longest_s=0.5, beside=beside)
        return await killer.finish(timeout_s=600)


def main() -> None:
    """Print the figures; exit 1 where one is not kept."""
    asked = argparse.ArgumentParser(prog="benchmarks.runs_soak")
    asked.add_argument("--kills", type=int, default=500)
    asked.add_argument("--beside", type=int, default=1, help="processes that share the database and die together")
    asked.add_argument("--seed", type=int, default=1)
    args = asked.parse_args()
    began = time.monotonic()
    left = asyncio.run(soak(args.kills, args.beside, args.seed))
    sys.stdout.write(
        f"{left.kills} SIGKILLs over {left.runs} runs of {len(LIBRARY)} flows, {left.calls} model calls, "
        f"{time.monotonic() - began:.0f} s\n"
        f"  runs lost {left.lost}, files torn or missing {left.torn}, ends changed {left.changed}\n"
        f"  calls made again {left.repeated} ({left.repeated / max(1, left.kills):.2f} a kill); "
        f"made again though answered, or twice for a kill {left.too_often}; unrecorded {left.uncounted}\n"
    )
    sys.exit(1 if left.lost or left.torn or left.changed or left.too_often or left.uncounted else 0)


if __name__ == "__main__":
    main()
