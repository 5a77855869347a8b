"""The wrong changes that are made: one expression or statement of a module each.

Module level counts too, because bounds stand there as constants. Prose is left as it is:
docstrings, and texts that are documentation or part of an error's sentence.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

COMPARED: dict[type[ast.cmpop], ast.cmpop] = {
    ast.Lt: ast.LtE(), ast.LtE: ast.Lt(), ast.Gt: ast.GtE(), ast.GtE: ast.Gt(),
    ast.Eq: ast.NotEq(), ast.NotEq: ast.Eq(), ast.Is: ast.IsNot(), ast.IsNot: ast.Is(),
    ast.In: ast.NotIn(), ast.NotIn: ast.In(),
}  # fmt: skip
COMPUTED: dict[type[ast.operator], ast.operator] = {
    ast.Add: ast.Sub(), ast.Sub: ast.Add(), ast.Mult: ast.FloorDiv(), ast.Div: ast.Mult(),
    ast.FloorDiv: ast.Mult(), ast.Mod: ast.Mult(), ast.Pow: ast.Mult(), ast.BitOr: ast.BitAnd(),
    ast.BitAnd: ast.BitOr(), ast.LShift: ast.RShift(), ast.RShift: ast.LShift(),
}  # fmt: skip
PROSE = {"description", "title", "examples", "pattern"}
"""Keyword arguments that are documentation, which the contract's tests compare."""


@dataclass(frozen=True)
class Mutant:
    """A wrong change: the module's new source, and what distinguishes it from the others."""

    line: int
    name: str
    """The source that is replaced, and what replaces it."""
    source: str


def mutants(source: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its lines."""
    lines = source.encode().splitlines(keepends=True)
    starts = [sum(map(len, lines[:number])) for number in range(len(lines))]
    whole = source.encode()
    found = []
    for node, text in _changes(ast.parse(source)):
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        old = " ".join(whole[begin:end].decode().split())
        changed = (whole[:begin] + text.encode() + whole[end:]).decode()
        found.append(Mutant(node.lineno, f"{old} -> {text}", changed))
    return sorted(found, key=lambda mutant: mutant.line)


def _changes(tree: ast.Module) -> Iterator[tuple[ast.stmt | ast.expr, str]]:
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.stmt | ast.expr):
            yield from ((node, text) for text in _replacements(node))
        waiting += _below(node)


def _below(node: ast.AST) -> Iterator[ast.AST]:
    """The children that may be changed: no annotation, no prose, no import, no error's text."""
    if isinstance(node, ast.JoinedStr | ast.Raise | ast.Assert | ast.Import | ast.ImportFrom):
        return  # Python 3.11 doesn't say where the parts of an f-string are
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "TypeVar":
        return  # it is a part of annotations
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "type_params", "decorator_list", "bases"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.keyword) and child.arg in PROSE:
                continue
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                continue
            if isinstance(child, ast.AST):
                yield child


def _replacements(node: ast.stmt | ast.expr) -> Iterator[str]:
    match node:
        case ast.Compare(left, [operator], right) if type(operator) in COMPARED:
            yield _text(ast.Compare(left, [COMPARED[type(operator)]], right))
        case ast.BoolOp(operator, values):
            yield _text(
                ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values)
            )
        case ast.UnaryOp(ast.Not(), operand):
            yield _text(operand)
        case ast.BinOp(left, operator, right) if type(operator) in COMPUTED:
            yield _text(ast.BinOp(left, COMPUTED[type(operator)], right))
        case ast.Constant(value):
            yield from map(repr, _values(value))
        case ast.IfExp(_, body, orelse):
            yield from (_text(body), _text(orelse))
        case ast.AugAssign(target, operator, value) if type(operator) in COMPUTED:
            yield ast.unparse(ast.AugAssign(target, COMPUTED[type(operator)], value))
        case ast.Return(value) if value is not None and not _is_none(value):
            yield "return None"
        case ast.Expr(ast.Call()):
            yield "pass"
        case ast.Break():
            yield "continue"
        case ast.Continue():
            yield "break"


def _values(value: object) -> Iterator[object]:
    match value:
        case bool():
            yield not value
        case int() | float():
            yield value + 1
        case str():
            yield value + "x"
        case bytes():
            yield value + b"x"


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _text(node: ast.expr) -> str:
    return f"({ast.unparse(node)})"
