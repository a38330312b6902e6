"""Files of answers in the shape that others publish them in, with right answers as often as is asked for."""

import json
import random
from collections.abc import Mapping

ARMS = {"6b_finetuning": 0.22, "6b_verification": 0.39, "175b_finetuning": 0.35, "175b_verification": 0.56}


def wide_file(items: int, arms: Mapping[str, float] = ARMS, *, seed: int = 0) -> bytes:
    """One row an item: a question, a worked target that ends with `A: 24`, and an object for each arm."""
    chance = random.Random(seed)
    return "\n".join(json.dumps(_row(number, arms, chance)) for number in range(items)).encode()


def _row(number: int, arms: Mapping[str, float], chance: random.Random) -> dict[str, object]:
    price, sold = chance.randint(2, 90), chance.randint(2, 900)
    row: dict[str, object] = {
        "question": f"Shop {number} sells {sold} jars for ${price} each\u2019. How many dollars does it earn?",
        "ground_truth": f"{sold}*{price}=$<<{sold}*{price}={sold * price}>>{sold * price:,}.\nA: {sold * price}",
    }
    for arm, accuracy in arms.items():
        right = chance.random() < accuracy
        earned = sold * price if right else sold * price + chance.randint(1, 50)
        said = f"{earned:,}" if chance.random() < 0.3 else f"{earned}.0" if chance.random() < 0.1 else str(earned)
        steps = f"They sell {sold} jars, {sold}*{price} = <<{sold}*{price}={earned}>>{earned} dollars\n"
        row[arm] = {"is_correct": right, "solution": f"{steps}A: {said}"}
    return row
