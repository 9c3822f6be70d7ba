"""Gathered requests, answered without what the framework does for endpoints of every kind.

A gathered endpoint asks for a visit and for a few parameters of its path and query. Which those are, FastAPI has read
from its declaration, and the document is made of that; here the same fields read the request, with nothing between
them and the endpoint. Every other request, also one that fits no route or not the method, is the framework's.
"""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import Request, Response
from fastapi.dependencies.utils import request_params_to_args
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from suanli.api.visit import Door, is_gathered
from suanli.model.errors import SuanliError


class _Way:
    """A gathered endpoint, and how its arguments are read."""

    def __init__(self, route: APIRoute) -> None:
        [visit] = route.dependant.dependencies
        assert isinstance(visit.call, Door)  # noqa: S101 - whoever adds a dependency learns it when the server starts
        assert visit.name is not None  # noqa: S101
        self.route = route
        self._door = visit.call
        self._visit = visit.name
        self._endpoint = route.endpoint
        self._path = route.dependant.path_params
        self._query = route.dependant.query_params
        defaults, missing = request_params_to_args(self._query, {})
        self._defaults = None if missing else defaults

    async def answer(self, request: Request) -> Response:
        """Answer a request whose path fits; raises what the door, the parameters or the endpoint refuse it with."""
        visit = await self._door(request)
        values, problems = request_params_to_args(self._path, request.path_params)
        if self._defaults is not None and not request.scope["query_string"]:
            values |= self._defaults
        else:
            asked, wrong = request_params_to_args(self._query, request.query_params)
            values |= asked
            problems += wrong
        if problems:
            raise RequestValidationError(problems)
        values[self._visit] = visit
        response: Response = await self._endpoint(**values)
        return response


class Direct:
    """Answers what goes to a gathered endpoint, and hands everything else to ``app``."""

    def __init__(self, app: ASGIApp, routes: Iterable[BaseRoute]) -> None:
        self._app = app
        self._settled: dict[tuple[str, str], _Way] = {}
        self._open: dict[str, list[tuple[APIRoute, _Way | None]]] = {}
        self._order([route for route in routes if isinstance(route, APIRoute)])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        way = self._find(scope) if scope["type"] == "http" and not scope.get("root_path") else None
        if way is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = way.route
        request = Request(scope, receive, send)
        try:
            response = await way.answer(request)
        except (SuanliError, RequestValidationError, HTTPException) as error:
            handlers = request.app.exception_handlers
            handler = next(handlers[known] for known in type(error).__mro__ if known in handlers)
            response = await handler(request, error)
        await response(scope, receive, send)

    def _find(self, scope: Scope) -> _Way | None:
        path = scope["path"]
        if (settled := self._settled.get((scope["method"], path))) is not None:
            scope["path_params"] = {}
            return settled
        for route, way in self._open.get(scope["method"], ()):
            if (match := route.path_regex.match(path)) is not None:
                scope["path_params"] = match.groupdict()
                return way
        return None

    def _order(self, routes: list[APIRoute]) -> None:
        """Ask the routes as the framework does, the first that fits; whole paths are looked up."""
        ways = {id(route): _Way(route) for route in routes if is_gathered(route.endpoint)}
        for method in {method for route in routes if id(route) in ways for method in route.methods or ()}:
            asked = [route for route in routes if method in (route.methods or ())]
            self._open[method] = [(route, ways.get(id(route))) for route in asked]
            for route in asked:
                first = next(other for other in asked if other.path_regex.match(route.path))
                if first is route and id(route) in ways and not route.param_convertors:
                    self._settled[method, route.path] = ways[id(route)]
