"""Makes the body that is published from an editor's HTML. Pure.

`clean` runs the steps: `prepare` rewrites the source and refuses what is too costly to parse
(`limits`), `walk` goes through the parsed tree, `writer` writes plain blocks, `sanitiser` decides
what is safe. The meaning of what is left out is carried over, or the editor gets a warning.
"""
