"""Puts a mutant's code into the functions that live already, without importing anything again.

A function is its code and what was made when its module was imported: decorators, defaults, the
models around it. A mutant that changes the body of a function only is tried by exchanging the
code. Any other one, such as a changed constant or a bound in a model, has to be imported.
"""

import ast
import gc
import inspect
from collections import Counter
from types import CodeType, FunctionType

Place = tuple[str, int]
"""A function's qualified name, and its number among those of that name."""


def span(source: str, line: int) -> range:
    """The lines of the outermost function whose body has `line`; empty outside of functions."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    for node in ast.walk(ast.parse(source)):  # breadth first: the outermost comes first
        if isinstance(node, kinds) and node.body[0].lineno <= line <= (node.end_lineno or 0):
            return range(node.body[0].lineno, (node.end_lineno or 0) + 1)
    return range(0)


def living(file: str) -> list[FunctionType]:
    """Every function of this process whose source is `file`."""
    return [
        each
        for each in gc.get_objects()
        if type(each) is FunctionType and each.__code__.co_filename == file
    ]


def exchanged(found: list[FunctionType], before: CodeType, after: CodeType) -> bool:
    """True if the functions in `found` have the code of the module `after` now.

    False, with an unknown part exchanged, if `after` differs from `before` outside of functions'
    bodies, or in a function that nothing holds.
    """
    if _form(before, bodies=False) != _form(after, bodies=False):
        return False
    old, new = _functions(before), _functions(after)
    places = {(code.co_qualname, code.co_firstlineno): place for place, code in old.items()}
    holders: dict[Place, list[FunctionType]] = {}
    for each in found:
        code = each.__code__
        if place := places.get((code.co_qualname, code.co_firstlineno)):
            holders.setdefault(place, []).append(each)
    for place in old:
        if _form(old[place], bodies=True) == _form(new[place], bodies=True):
            continue
        if place not in holders or old[place].co_freevars != new[place].co_freevars:
            return False
        for each in holders[place]:
            each.__code__ = new[place]
    return True


def _functions(code: CodeType) -> dict[Place, CodeType]:
    """The functions of a module and of its classes, without those within functions."""
    found: list[CodeType] = []
    waiting = [code]
    while waiting:
        for inner in waiting.pop(0).co_consts:
            if isinstance(inner, CodeType):
                (found if _is_function(inner) else waiting).append(inner)
    numbers: Counter[str] = Counter()
    places = {}
    for each in found:
        places[each.co_qualname, numbers[each.co_qualname]] = each
        numbers[each.co_qualname] += 1
    return places


def _is_function(code: CodeType) -> bool:
    return bool(code.co_flags & inspect.CO_OPTIMIZED)


def _form(code: CodeType, bodies: bool) -> tuple[object, ...]:
    """What code does, without its lines; with `bodies`, what the functions in it do."""
    consts = [
        repr(each)
        if not isinstance(each, CodeType)
        else _form(each, bodies)
        if bodies or not _is_function(each)
        else each.co_qualname
        for each in code.co_consts
    ]
    return code.co_code, code.co_names, code.co_varnames, tuple(consts)
