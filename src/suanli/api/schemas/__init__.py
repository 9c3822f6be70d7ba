"""The shapes that travel: what is taken (pydantic, strict) and what is given (dataclasses), one file per noun."""
