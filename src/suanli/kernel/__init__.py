"""Floor 2: pure decisions and sums over the model. Same input, same output, to the bit.

No clock, no randomness, no input or output, no store; it imports the model and numerical libraries, and never ports.
The same kernel runs live, in what-if and in replay.
"""
