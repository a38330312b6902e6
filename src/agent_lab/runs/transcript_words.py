"""What a transcript says between the texts of a run, in each language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Language = Literal["en", "es"]
_ENGLISH: Mapping[str, str] = {
    "run": "Run {id}",
    "flow": "Flow: {flow}",
    "flow_version": "Flow: {flow}, version {version}",
    "status": "Status: {status}",
    "begun": "Begun: {at}",
    "forked_from": "Forked from: {run}",
    "trial": "A trial: {node} was run alone",
    "took": "Took: {figures}",
    "question": "Question",
    "input": "Input {name}:",
    "pinned": "Pinned {name}:",
    "asks": "{title} asks a person:",
    "asks_one": "{title} asks a person to choose one of {choices}:",
    "was_answered": "{title} was answered:",
    "votes": "{voter} votes for {choice} ({weight})",
    "ended_as": "Ended as {status}",
    "answer": "Answer",
    "sample": "answer {number}",
    "taken": "taken from the first run",
    "tokens": "{read} tokens in, {written} out",
    "seconds": "{seconds} s",
    "usd": "${usd}",
    "cost_unknown": "cost unknown",
    "calls": "{calls} model calls",
    "reused": "{calls} answers taken from the first run",
    "leaves": "{title} leaves:",
    "fields": "Fields of {title}:",
    "turn": "{label}, turn {visit}",
}
_SPANISH: Mapping[str, str] = {
    "run": "Ejecución {id}",
    "flow": "Flujo: {flow}",
    "flow_version": "Flujo: {flow}, versión {version}",
    "status": "Estado: {status}",
    "begun": "Inicio: {at}",
    "forked_from": "Bifurcada de: {run}",
    "trial": "Una prueba: solo se ejecutó {node}",
    "took": "Consumo: {figures}",
    "question": "Pregunta",
    "input": "Entrada {name}:",
    "pinned": "Fijado {name}:",
    "asks": "{title} pregunta a una persona:",
    "asks_one": "{title} pide a una persona que elija una de {choices}:",
    "was_answered": "{title} recibió esta respuesta:",
    "votes": "{voter} vota por {choice} ({weight})",
    "ended_as": "Final: {status}",
    "answer": "Respuesta",
    "sample": "respuesta {number}",
    "taken": "tomada de la primera ejecución",
    "tokens": "{read} tokens leídos, {written} escritos",
    "seconds": "{seconds} s",
    "usd": "{usd} USD",
    "cost_unknown": "coste desconocido",
    "calls": "llamadas a modelos: {calls}",
    "reused": "respuestas tomadas de la primera ejecución: {calls}",
    "leaves": "{title} deja:",
    "fields": "Campos de {title}:",
    "turn": "{label}, turno {visit}",
}
_ENDS: Mapping[str, str] = {
    "queued": "en cola",
    "running": "en curso",
    "waiting": "espera a una persona",
    "paused": "en pausa",
    "completed": "terminada",
    "declined": "rechazada",
    "failed": "fallida",
    "cancelled": "cancelada",
    "limit_exceeded": "límite alcanzado",
}


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language."""

    language: Language = "en"

    def __call__(self, form: str, **values: object) -> str:
        """A line with its values filled in."""
        return (_SPANISH if self.language == "es" else _ENGLISH)[form].format(**values)

    def status(self, status: str) -> str:
        """How a run stands."""
        return _ENDS[status] if self.language == "es" else status

    def seconds(self, seconds: float) -> str:
        """1.25 s."""
        return self("seconds", seconds=self._number(f"{seconds:.2f}"))

    def cost(self, usd: Decimal | None) -> str:
        """What it cost, where that is known."""
        return self("cost_unknown") if usd is None else self("usd", usd=self._number(f"{usd:f}"))

    def weight(self, weight: float) -> str:
        """Of a vote."""
        return self._number(f"{weight:g}")

    def _number(self, shown: str) -> str:
        return shown.replace(".", ",") if self.language == "es" else shown
