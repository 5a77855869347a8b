"""The user agents of plain browsers, in which only versions vary. Pure."""

import re

PLAIN_AGENT = re.compile(
    rb"Mozilla/5\.0 \((?:Windows NT \d+\.\d+(?:; Win64; x64|; WOW64)?|X11; Linux x86_64"
    rb"|Macintosh; Intel Mac OS X \d+[\d_.]*|Linux; Android \d+(?:\.\d+)*; K)\) AppleWebKit/[\d.]+ "
    rb"[(]KHTML, like Gecko[)] (?:Chrome/[\d.]+(?: Mobile)?|Version/[\d.]+) Safari/[\d.]+"
    rb"(?: EdgA?/[\d.]+)?"
)
"""The agents of most desktop browsers, and of Chrome on telephones. Nothing but versions varies in
them, so the slower look at names, which takes six times as long, could find none."""
