"""The answers of four models to 1,319 problems: from their files to the report within the seconds that are promised."""

import json
import resource

from cli.conftest import Home, home

__all__ = ["home"]


def test_four_arms_of_1319_answers_are_imported_and_reported_in_five_seconds_of_cpu(home: Home) -> None:
    asked = [{"id": f"g{n}", "input": f"Problem {n}? " + "word " * 40, "target": str(n)} for n in range(1319)]
    (home.path / "gsm.jsonl").write_text("".join(json.dumps(row) + "\n" for row in asked))
    arms = []
    for arm in range(4):
        said = "So it goes. " * 60
        rows = [
            {
                "id": row["id"],
                "answer": f"{said}\nThe answer is {n if (n * 7 + arm) % (arm + 2) else 0}.",
                "cost_usd": 0.001,
            }
            for n, row in enumerate(asked)
        ]
        (home.path / f"arm{arm}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        arms += ["--arm", f"a{arm}=arm{arm}.jsonl"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = home.run("eval", "import", "gsm.jsonl", *arms, "--json")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    assert [arm["items"] for arm in json.loads(done.stdout)["arms"]] == [1319] * 4
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime <= 5.0
