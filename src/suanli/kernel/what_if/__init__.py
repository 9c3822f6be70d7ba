"""What if: a copy of the live center lives on in time, as it is and otherwise, decided by the planner's own turns."""
