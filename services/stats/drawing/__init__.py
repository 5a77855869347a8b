"""Plots as SVG and tables as HTML, made from numbers and texts. Pure: no MongoDB, no HTTP.

A plot is as wide as its place: shapes are stretched to it, and texts keep their size. Colours and
lines come from classes, so that a style sheet has dark and light, and no policy against inline
styles is in the way. Every text is escaped.
"""
