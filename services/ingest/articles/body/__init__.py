"""An editor's HTML, made into the body that is published. Pure.

`limits` refuses what is dangerous to parse, `clean` walks the parsed tree, `writer` writes it again
as plain blocks. Whatever is taken away had a meaning: it is carried over first, or named in a
warning.
"""
