"""What is wrong with single fields, in the reader's language: a table over pydantic's stable error types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from suanli.api.language import Language

_ZH = {
    "missing": "必须给出",
    "extra_forbidden": "没有这个字段",
    "json_invalid": "不是合法的 JSON：{error}",
    "string_type": "必须是文本",
    "string_too_short": "至少 {min_length} 个字符",
    "string_too_long": "至多 {max_length} 个字符",
    "string_pattern_mismatch": "必须符合模式 {pattern}",
    "int_type": "必须是整数",
    "int_parsing": "必须是整数",
    "int_from_float": "必须是整数",
    "float_type": "必须是数",
    "finite_number": "必须是有限的数",
    "bool_type": "必须是 true 或 false",
    "bool_parsing": "必须是 true 或 false",
    "greater_than_equal": "不得小于 {ge}",
    "greater_than": "必须大于 {gt}",
    "less_than_equal": "不得大于 {le}",
    "less_than": "必须小于 {lt}",
    "too_short": "至少 {min_length} 项",
    "too_long": "至多 {max_length} 项",
    "enum": "只能是 {expected}",
    "literal_error": "只能是 {expected}",
    "tuple_type": "必须是数组",
    "list_type": "必须是数组",
    "frozen_set_type": "必须是数组",
    "dict_type": "必须是对象",
    "model_type": "必须是对象",
    "model_attributes_type": "必须是对象",
    "none_required": "必须是 null",
    "text_form": "格式不对：{problem}；{hint}",
    "unknown_parameter": "没有这个查询参数",
}


def say(problem: Mapping[str, Any], language: Language) -> str:
    """What is wrong with a field, from one of pydantic's error records."""
    template = _ZH.get(problem["type"])
    if language is Language.EN or template is None:
        return str(problem["msg"])
    return template.format_map(problem.get("ctx", {}))


def path(location: Sequence[str | int]) -> str:
    """Where a field stands, with dots and indices, without the part of the request it stands in."""
    inside = location[1:] if location and location[0] in {"body", "query", "path", "header"} else location
    return ".".join(map(str, inside)) or "body"
