"""Options that several commands share, and their values as the contracts want them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from agent_lab.contracts.errors import ValidationError

Command = TypeVar("Command", bound=Callable[..., Any])

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")

quietly = click.option("--quiet", "-q", is_flag=True, help="Print the answer alone.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What of a run is shown."""

    as_json: bool = False
    quiet: bool = False

    @property
    def live(self) -> bool:
        """True where the deliberation is shown as it goes."""
        return not (self.as_json or self.quiet)


def sampling_options(command: Command) -> Command:
    """--strategy, --max-tokens, --temperature and --seed."""
    for option in (
        click.option(
            "--seed", type=click.IntRange(min=0), metavar="N", help="Draw the same way again, where that can be."
        ),
        click.option(
            "--temperature", type=Number(0, 2), metavar="T", help="How freely the next word is drawn, 0 to 2."
        ),
        click.option(
            "--max-tokens", type=click.IntRange(1, 1_000_000), metavar="N", help="The longest answer, in tokens."
        ),
        click.option("--strategy", metavar="NAME", help="How the model is loaded and samples."),
    ):
        command = option(command)
    return command


LIMITS = ("max_cost_usd", "max_total_tokens", "timeout_s", "max_steps")


def limit_options(command: Command) -> Command:
    """--max-usd, --max-total-tokens, --timeout and --max-steps: what a run may use."""
    for option in (
        click.option("--max-steps", type=click.IntRange(min=1), metavar="N", help="The most turns of nodes."),
        click.option(
            "--timeout", "timeout_s", type=Number(0, 86_400, min_open=True), metavar="S", help="The most seconds."
        ),
        click.option(
            "--max-total-tokens", type=click.IntRange(min=1), metavar="N", help="The most tokens, read and written."
        ),
        click.option("--max-usd", "max_cost_usd", type=Number(0), metavar="USD", help="The most that it may cost."),
    ):
        command = option(command)
    return command


def take_limits(chosen: dict[str, Any]) -> dict[str, Any]:
    """The limits out of a command's options, under the names of the contract; only those that were given."""
    given = {name: chosen.pop(name) for name in LIMITS}
    return {name.replace("total_", ""): value for name, value in given.items() if value is not None}


class Utf8(click.ParamType[str]):
    """A text that can be stored and asked for: what the shell hands over may be any bytes."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text, or a sentence of wrong use."""
        if any("\ud800" <= char <= "\udfff" for char in str(value)):
            self.fail("this is not UTF-8 text.", param, ctx)
        return str(value)


run_argument = click.argument("run_id", metavar="RUN", type=Utf8())


class Number(click.FloatRange):
    """A number within bounds; `nan`, which compares with nothing and so passes every bound, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number, or a sentence of wrong use."""
        found = super().convert(value, param, ctx)
        if found != found:
            self.fail("nan is no number.", param, ctx)
        return found


def pairs(given: Iterable[str], option: str, form: str = "NAME=VALUE") -> dict[str, str]:
    """`NAME=VALUE` options as a mapping; `form` is what the user knows it as.

    Raises ValidationError for one without a name or given twice.
    """
    found: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise ValidationError(f"{option} takes {form}, not {one[:80]!r}.", where=option)
        if name in found:
            raise ValidationError(f"{option} names {name[:80]!r} twice.", where=option)
        found[name] = value
    return found


def fitting(build: Callable[..., Any], **values: Any) -> Any:
    """Build a contract from options; pydantic's complaint becomes a sentence."""
    import pydantic

    try:
        return build(**values)
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        if not place:  # what goes wrong only together: its sentence names the parts
            said = first["msg"].removeprefix("Value error, ")
            raise ValidationError(f"{said[:1].upper()}{said[1:]}.") from None
        raise ValidationError(f"{place}: {str(first['input'])[:80]!r} is not usable: {first['msg']}.") from None


OFFLINE = "agent_lab.offline"
"""What a command's context remembers of --offline."""


def _remember_offline(context: click.Context, _: click.Parameter, given: bool) -> None:
    context.meta[OFFLINE] = given


offline = click.option(
    "--offline",
    is_flag=True,
    expose_value=False,
    callback=_remember_offline,
    help="Let nothing leave this machine: fetch no weights and ask no hosted model.",
)

at_url = click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="The server to ask.")
