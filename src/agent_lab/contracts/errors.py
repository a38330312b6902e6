"""Every error that the product raises on purpose, told apart by what the caller can do next.

    AgentLabError
    ├── ValidationError        rejected: nobody takes this as it stands; change it
    │   ├── NotFoundError      no such model, flow, run: the nearest names are told
    │   ├── ConflictError      the thing is in another state than the request supposes
    │   │   └── StaleError     somebody else has changed it since it was read
    │   ├── TooLargeError      over a stated bound
    │   ├── ProblemsError      a document with several things to mend, each told with its place
    │   └── ContentRefusedError  a vendor's filter does not let the request through
    ├── ProviderError          a provider did not answer
    │   ├── BusyError          the same provider, later
    │   │   ├── RateLimitedError  and not before it says so: it takes no more from this caller
    │   │   └── QueueFullError  too many runs are waiting for their turn
    │   ├── BrokenOffError     the same provider, at once: the connection or the answer broke
    │   └── UnusableError      another provider, now
    │       ├── SilentError    nothing came in time; asking the same one again would only double the wait
    │       └── ModelCorruptError  a model's files are damaged; they must be put right first
    ├── CapacityError          the machine has no room for it
    ├── LimitExceededError     a limit of the run itself was reached
    └── EnvironmentFaultError  the disk, a port or an installed part is not usable; the operator mends it

The message is the sentence that the user reads, in the terminal as over HTTP.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar

from agent_lab.contracts.sentences import Sentence, said

MOST_NAMED = 12
"""Names that a hint tells where none of them is near."""


class AgentLabError(Exception):
    """Something in AI Agent Lab could not be done; the message says what to do about it."""

    slug: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, where: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        """JSON pointer or option name of the part of the input that is wrong, where one is."""


class ValidationError(AgentLabError):
    """The request cannot be taken as it stands; change it and send it again."""

    slug = "invalid-request"
    status = 422
    exit_code = 2


class NotFoundError(ValidationError):
    """What the request names does not exist."""

    slug = "not-found"
    status = 404


class ConflictError(ValidationError):
    """What the request names is in another state than the request supposes."""

    slug = "conflict"
    status = 409


class StaleError(ConflictError):
    """Somebody else has changed it since it was read; read it again, then change it."""

    slug = "stale"
    status = 412


class TooLargeError(ValidationError):
    """The request is larger than its stated bound."""

    slug = "too-large"
    status = 413


class ProblemsError(ValidationError):
    """The document cannot be used as it stands; mend what is told of it."""

    slug = "problems"

    def __init__(self, message: str, *, problems: Iterable[tuple[str, str]], where: str | None = None) -> None:
        super().__init__(message, where=where)
        self.problems = tuple(problems)
        """(JSON pointer into the document, sentence)"""


class ContentRefusedError(ValidationError):
    """A vendor's content filter does not let this request through; say it in other words."""

    slug = "content-refused"
    status = 422


class ProviderError(AgentLabError):
    """A provider did not answer this request."""

    slug = "provider-error"
    status = 502


class BusyError(ProviderError):
    """The provider takes no more work now; the same request may succeed later."""

    slug = "busy"
    status = 503

    def __init__(self, message: str, *, retry_after_s: float | None = None, where: str | None = None) -> None:
        super().__init__(message, where=where)
        self.retry_after_s = retry_after_s


class RateLimitedError(BusyError):
    """The provider, or a limit of this gateway, takes no more from this caller for a while."""

    slug = "rate-limited"
    status = 429


class BrokenOffError(ProviderError):
    """The connection broke, or the answer did not come to its end; the same request may succeed at once."""

    slug = "broken-off"
    status = 502


class QueueFullError(BusyError):
    """So many runs are waiting that no more are taken."""

    slug = "queue-full"
    status = 429


class UnusableError(ProviderError):
    """This provider or model cannot answer at present; another one may."""

    slug = "unusable"
    status = 503


class SilentError(UnusableError):
    """The provider said nothing for as long as was allowed."""

    slug = "silent"
    status = 504


class ModelCorruptError(UnusableError):
    """A model's files on this machine are damaged; the message names the file and how to put it right."""

    slug = "model-corrupt"
    status = 409
    exit_code = 2


class CapacityError(AgentLabError):
    """The model does not fit into this machine's memory beside what is in use."""

    slug = "no-capacity"
    status = 507


class LimitExceededError(AgentLabError):
    """A limit that the flow or the request set was reached."""

    slug = "limit-exceeded"
    status = 429


class EnvironmentFaultError(AgentLabError):
    """A folder, file, port or installed part that the product needs cannot be used."""

    slug = "environment"
    status = 503
    exit_code = 2


def nearest(name: str, known: Iterable[str]) -> Sentence:
    """A clause that names the nearest of the known names, or the first of them where none is near."""
    names = sorted(set(known))
    near = difflib.get_close_matches(name[:80], names, n=3, cutoff=0.5)
    if near:
        return said("did_you_mean", "did you mean {either:or}?", either=near)
    if len(names) > MOST_NAMED:
        return said("there_are_more", "there are: {known}, ...", known=names[:MOST_NAMED])
    return said("there_are", "there are: {known}.", known=names) if names else said("there_are_none", "there are none.")


def unknown_name(
    what: str, name: str, known: Iterable[str], *, place: Sentence | None = None, where: str | None = None
) -> NotFoundError:
    """A NotFoundError that names the nearest alternatives. `place` says where it was looked for: "in memory"."""
    near = nearest(name, known)
    if place is not None:
        form = "There is no {what} {name!r} {place}; {near}"
        return NotFoundError(
            said("unknown_there", form, what=what, name=name[:80], place=place, near=near), where=where
        )
    return NotFoundError(
        said("unknown", "There is no {what} {name!r}; {near}", what=what, name=name[:80], near=near), where=where
    )


def in_flow(flow_id: str) -> Sentence:
    """Where `unknown_name` has looked: in that flow."""
    return said("in_flow", "in the flow {flow!r}", flow=flow_id)


def error_kind(slug: str) -> type[AgentLabError]:
    """The class of errors that a slug stands for, so that a stored fault has its status and exit code again."""
    waiting: list[type[AgentLabError]] = [AgentLabError]
    while waiting:
        kind = waiting.pop()
        if kind.slug == slug:
            return kind
        waiting.extend(kind.__subclasses__())
    return AgentLabError
