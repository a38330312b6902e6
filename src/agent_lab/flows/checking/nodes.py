"""Checks the nodes: kinds, settings, models, strategies, the nodes and flows that they name, and their templates."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice

import pydantic
from pydantic import JsonValue

from agent_lab.contracts.errors import ValidationError
from agent_lab.contracts.flow import NodeConfig
from agent_lab.contracts.flow_ports import NodeKind
from agent_lab.contracts.sentences import Sentence, as_sentence, said
from agent_lab.flows.checking.examined import Examined
from agent_lab.flows.checking.report import pointer, shape_problems
from agent_lab.flows.templates import needed, parse

ALWAYS_BOUND = frozenset({"user_input", "round"})
NEVER_SURE = frozenset({"history"})
"""Names that may have no value: a template may use them inside a block of their own only."""
MOST_SURE = 6


def read_settings(check: Examined) -> None:
    """Read each node's settings as its kind does."""
    for position, node in enumerate(check.flow.nodes):
        kind, path = check.kinds.get(node.kind), pointer("nodes", position)
        if kind is None:
            hint = check.report.nearest(node.kind, check.kinds)
            form = "There is no node kind {kind!r}; {hint}"
            check.say(f"{path}/kind", said("no_kind", form, kind=node.kind[:80], hint=hint))
            continue
        try:
            check.settings[node.id] = kind.settings.model_validate(node.settings)
        except pydantic.ValidationError as error:
            for problem in () if check.report.full else shape_problems(error, kind.settings, node.settings, path):
                check.say(problem.path, problem.message)


def check_nodes(check: Examined) -> None:
    """What the settings name, and what the templates speak of."""
    for position, node in enumerate(check.flow.nodes):
        if check.report.full:
            return
        path = pointer("nodes", position)
        kind, settings = check.kinds.get(node.kind), check.settings.get(node.id)
        if kind and settings is not None:
            for place, message in kind.problems(settings):
                check.say(path + place, as_sentence(message))
            _named_nodes(check, node, kind, settings, path)
        # From here on by what the document says, so that one wrong field hides no other problem.
        given = node.settings
        _known(check, f"{path}/model", "model", given.get("model"), check.models)
        _known(check, f"{path}/strategy", "strategy", given.get("strategy"), check.strategies)
        for name in kind.templates if kind else ("prompt", "system"):
            for place, text in _texts(given.get(name), f"{path}/{name}"):
                _template(check, node, place, text)


def _known(check: Examined, path: str, what: str, name: JsonValue, known: Collection[str]) -> None:
    if isinstance(name, str) and name not in known:
        near = check.report.nearest(name, known)
        check.say(path, said("unknown", "There is no {what} {name!r}; {near}", what=what, name=name[:80], near=near))


def _named_nodes(check: Examined, node: NodeConfig, kind: NodeKind, settings: pydantic.BaseModel, path: str) -> None:
    for named in kind.nodes(settings):
        wrong = check.field_problem(named.name, named.field or "text")
        if wrong:
            check.say(path + named.pointer, wrong.capital())
        elif named.sure and not check.graph.surely_before(node.id, [named.name]):
            form = (
                "{named!r} has not run on every path to {node!r}; name a node that has, or lead every path through "
                "it.{sure}"
            )
            told = said("not_on_every_path", form, named=named.name, node=node.id, sure=_sure_nodes(check, node))
            check.say(path + named.pointer, told)
    for named in kind.models(settings):
        _known(check, path + named.pointer, "model", named.name, check.models)


def _sure_nodes(check: Examined, node: NodeConfig) -> str:
    sure = [*islice(check.graph.certainly_before(node.id), MOST_SURE)]
    return said("sure_nodes", " Sure here: {sure:quoted}.", sure=sure) if sure else ""


def _texts(value: JsonValue, path: str) -> Iterator[tuple[str, str]]:
    """Each text in a setting that is a template, or a list or a mapping of them. What is deeper in stands as it is
    written, such as an argument that is an object."""
    if isinstance(value, str):
        yield path, value
        return
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    yield from ((path + pointer(key), text) for key, text in inner if isinstance(text, str))


def _template(check: Examined, node: NodeConfig, path: str, template: str) -> None:
    try:
        parts = parse(template)
    except ValidationError as error:
        check.say(path, as_sentence(error.message))
        return
    # Each name once; outside a block of its own, where it is found there too.
    must: dict[str, bool] = {}
    for name, bound in needed(parts):
        must[name] = must.get(name, False) or bound
    for name, bound in must.items():
        if check.report.full:
            return
        problem = _name_problem(check, node, name, must=bound)
        if problem:
            check.say(path, problem)


def _name_problem(check: Examined, node: NodeConfig, name: str, *, must: bool) -> Sentence | None:
    kind = check.kinds.get(node.kind)
    if name in check.flow.inputs or name in ALWAYS_BOUND or (kind and name in kind.binds):
        return None
    if name in NEVER_SURE:
        form = "{{{name}}} may have no value; write {{?{name}}}...{{/{name}}} around what speaks of it."
        return said("never_sure", form, name=name) if must else None
    if name == "previous_output":
        return _previous_problem(check, node, must=must)
    if "." in name:
        source, field_name = name.split(".", 1)
        problem = check.field_problem(source, field_name)
        if problem:
            return said("of_name", "{{{name}}}: {problem}", name=name, problem=problem)
    else:
        source = name.removesuffix("_output")
        if source == name or source not in check.graph:
            hint = check.report.nearest(name, _names(check, kind))
            form = "{{{name}}} is no name that {node!r} can use; {hint}"
            return said("no_name_here", form, name=name, node=node.id, hint=hint)
    return _unsure(check, node, name, source) if must else None


def _previous_problem(check: Examined, node: NodeConfig, *, must: bool) -> Sentence | None:
    graph = check.graph
    if node.id in graph.started and (must or not graph.incoming(node.id)):
        form = (
            "{{previous_output}} has no value in {node!r}, which starts the flow; take it out, or let an edge lead "
            "here."
        )
        return said("nothing_previous", form, node=node.id)
    joined = graph.joined(node.id)
    if not must or not joined or any(graph.surely_before(node.id, [source]) for source in joined):
        return None
    form = (
        "{{previous_output}} is what {joined} said, and a condition may lead here before them; "
        "write {{?previous_output}}...{{/previous_output}} around what speaks of it."
    )
    return said("previous_unsure", form, joined=joined[:MOST_SURE])


def _names(check: Examined, kind: NodeKind | None) -> Iterator[str]:
    yield from {"user_input", *check.flow.inputs}
    yield from ("previous_output", "round", "history")
    yield from (kind.binds if kind else ())
    yield from (f"{node}_output" for node in check.graph.ids)


def _unsure(check: Examined, node: NodeConfig, name: str, source: str) -> Sentence | None:
    if check.graph.surely_before(node.id, [source]):
        return None
    sure = [f"{{{other}_output}}" for other in islice(check.graph.certainly_before(node.id), MOST_SURE)]
    would_do = said("sure_names", " Sure here: {sure}.", sure=sure) if sure else ""
    form = (
        "{{{name}}}: {source!r} has not run on every path to {node!r}; "
        "write {{?{name}}}...{{/{name}}} around what speaks of it.{sure}"
    )
    return said("name_unsure", form, name=name, source=source, node=node.id, sure=would_do)
