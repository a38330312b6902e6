"""The words of the stories: who, what, where, and how each operation is told."""

from __future__ import annotations

import re
from dataclasses import dataclass

NAMES = (
    "Ada",
    "Ben",
    "Carla",
    "Dan",
    "Ella",
    "Finn",
    "Grace",
    "Hugo",
    "Ida",
    "Jonas",
    "Kim",
    "Lena",
    "Max",
    "Nora",
    "Oscar",
    "Paula",
    "Quinn",
    "Rosa",
    "Sam",
    "Tina",
    "Uma",
    "Victor",
    "Wanda",
    "Yara",
    "Zoe",
    "Tom",
    "Anna",
    "Maria",
    "Peter",
    "Alice",
    "Bob",
    "Eve",
)
THINGS = (
    "apples",
    "books",
    "pens",
    "coins",
    "cards",
    "marbles",
    "stamps",
    "eggs",
    "cakes",
    "flowers",
    "shells",
    "stickers",
    "tickets",
    "boxes",
    "balls",
    "cups",
    "letters",
    "photos",
    "oranges",
    "pears",
    "cookies",
    "stones",
    "beads",
    "toys",
    "nails",
    "tiles",
    "bottles",
    "chairs",
    "plants",
    "candles",
)
PLACES = (
    "shop",
    "library",
    "school",
    "farm",
    "bakery",
    "museum",
    "garden",
    "market",
    "factory",
    "hotel",
    "kitchen",
    "club",
    "store",
)


@dataclass(frozen=True, slots=True)
class Scene:
    """Sentences of one kind of story; `n` and `k` are numbers, the other fields words."""

    opening: tuple[str, ...]
    packed: tuple[str, ...]
    more: tuple[str, ...]
    fewer: tuple[str, ...]
    times: tuple[str, ...]
    question: tuple[str, ...]


PERSON = Scene(
    opening=("{who} has {n} {things}.", "{who} owns {n} {things}.", "{who} starts with {n} {things}."),
    packed=(
        "{who} has {k} bags with {n} {things} each.",
        "{who} has {k} bags of {n} {things}.",
        "{who} buys {k} packs with {n} {things} in each pack.",
    ),
    more=(
        "{who} buys {n} more.",
        "{who} finds {n} more {things}.",
        "{friend} gives {who} {n} more.",
        "Then {who} gets {n} more {things}.",
        "{who} wins {n}.",
    ),
    fewer=(
        "{who} gives away {n}.",
        "{who} loses {n} {things}.",
        "{who} gives {n} to {friend}.",
        "Then {who} sells {n} {things}.",
        "{friend} takes {n} of them.",
    ),
    times=(
        "Then {who} has {k} times as many.",
        "Then the number of {things} grows to {k} times as many.",
        "{who} trades them for {k} times as many.",
    ),
    question=(
        "How many {things} does {who} have now?",
        "How many {things} does {who} have in the end?",
        "How many {things} does {who} have in total?",
        "How many {things} are left?",
        "How many are there now?",
    ),
)
PLACE = Scene(
    opening=(
        "A {place} has {n} {things}.",
        "There are {n} {things} in the {place}.",
        "The {place} starts with {n} {things}.",
    ),
    packed=(
        "A {place} has {k} rooms with {n} {things} each.",
        "There are {k} shelves with {n} {things} each in the {place}.",
        "A {place} gets {k} crates with {n} {things} in each crate.",
    ),
    more=(
        "{n} more arrive.",
        "{who} brings {n} more {things}.",
        "The {place} buys {n} more.",
        "Then {n} {things} are added.",
        "The {place} makes {n} more {things}.",
    ),
    fewer=(
        "{n} are sold.",
        "{who} takes {n} {things}.",
        "{n} of them break.",
        "Then {n} {things} are removed.",
        "The {place} gives away {n}.",
    ),
    times=(
        "Then there are {k} times as many.",
        "A year later the {place} has {k} times as many {things}.",
        "The number of {things} grows to {k} times as many.",
    ),
    question=(
        "How many {things} does the {place} have now?",
        "How many {things} are in the {place} now?",
        "How many {things} are left?",
        "How many are there in the end?",
    ),
)
SCENES = (PERSON, PLACE)
SIGNS = (
    {"+": "+", "-": "-", "*": "*"},
    {"+": "+", "-": "-", "*": "*"},
    {"+": "+", "-": "-", "*": "x"},
    {"+": "plus", "-": "minus", "*": "times"},
)
PLAIN_QUESTIONS = (
    "What is {sum}?",
    "What is {sum}?",
    "How much is {sum}?",
    "Calculate {sum}.",
    "Compute {sum}.",
    "{sum}",
    "{sum} = ?",
    "Please work out {sum}.",
)


def vocabulary() -> list[str]:
    """Every word that a question can hold, in lower case, sorted."""
    texts = [*NAMES, *THINGS, *PLACES, *PLAIN_QUESTIONS]
    for signs in SIGNS:
        texts += signs.values()
    for scene in SCENES:
        for group in (scene.opening, scene.packed, scene.more, scene.fewer, scene.times, scene.question):
            texts += group
    bare = re.sub(r"\{\w+\}", " ", " ".join(texts))
    return sorted(set(re.findall(r"[a-z]+", bare.lower())))
