"""Column arithmetic as text: each digit worked out in turn, carries written, true by construction."""

from __future__ import annotations

LARGEST = 999
OPERATIONS = "+-*"


def result(a: int, op: str, b: int) -> int:
    """The exact value of `a op b`."""
    if op == "+":
        return a + b
    if op == "-":
        return a - b
    if op == "*":
        return a * b
    raise ValueError(f"no operation {op!r}; there are {', '.join(OPERATIONS)}")


def columns(a: int, op: str, b: int) -> list[str]:
    """One `5-8` style sum for each digit, units first: `["15-8=7", "4-1-1=2", ...]`."""
    if op == "*":
        return _product_columns(a, b)
    places = range(max(len(str(a)), len(str(b))))
    carry, texts = 0, []
    for place in places:
        x, y = a // 10**place % 10, b // 10**place % 10
        if op == "+":
            value = x + y + carry
            texts.append(f"{x}+{y}{_carried('+', carry)}={value}")
            carry = value // 10
            continue
        borrowed = int(x < y + carry)
        texts.append(f"{x + 10 * borrowed}-{y}{_carried('-', carry)}={x + 10 * borrowed - y - carry}")
        carry = borrowed
    return texts


def worked(a: int, op: str, b: int) -> str:
    """The whole line by columns: `47+38: 7+8=15, 4+3+1=8, so 85`."""
    return f"{a}{op}{b}: {', '.join(columns(a, op, b))}, so {result(a, op, b)}"


def _product_columns(a: int, b: int) -> list[str]:
    carry, texts = 0, []
    for digit in reversed(str(a)):
        value = int(digit) * b + carry
        texts.append(f"{digit}*{b}{_carried('+', carry)}={value}")
        carry = value // 10
    return texts


def _carried(sign: str, carry: int) -> str:
    return f"{sign}{carry}" if carry else ""
