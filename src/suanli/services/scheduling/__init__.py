"""Scheduling: one planner that follows the facts, asks the kernel and records its plan; and answers "why?"."""

from suanli.services.scheduling.answers import TurnReport, Why
from suanli.services.scheduling.service import Scheduling

__all__ = ["Scheduling", "TurnReport", "Why"]
