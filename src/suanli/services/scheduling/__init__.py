"""Scheduling: one planner that follows the facts, asks the kernel and records its plan; it answers why and what if."""

from suanli.services.scheduling.answers import Asked, Foreseen, TurnReport, Why
from suanli.services.scheduling.service import Scheduling

__all__ = ["Asked", "Foreseen", "Scheduling", "TurnReport", "Why"]
