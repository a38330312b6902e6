"""Builds everything from the settings; the one place that knows every name."""

from agent_lab.wiring.app import Surface, build_app
from agent_lab.wiring.lab import Lab, case_runner, open_lab
from agent_lab.wiring.parts import open_tuner

__all__ = ["Lab", "Surface", "build_app", "case_runner", "open_lab", "open_tuner"]
