"""Floor 4: the HTTP face, one router per noun: parse, authorise, call one service, render.

The only room that knows FastAPI. It imports model, ports and services, and of the kernel only types.
"""
