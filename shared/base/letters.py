"""One form for every letter, however it was typed: `one_form`. Pure."""

import re
import unicodedata

_TONES = "\u0300\u0301\u0303\u0309"
"""Grave, acute, tilde and hook above. The dot below is not among them: NFC sorts it."""


def _toned(vowels: str) -> str:
    return "".join(unicodedata.normalize("NFC", f"{v}{tone}") for v in vowels for tone in _TONES)


_TONE_FIRST = re.compile(f"[{_toned('AEOaeo')}]\u0302|[{_toned('Aa')}]\u0306")


def one_form(text: str) -> str:
    """`text` in NFC, with each Vietnamese letter in one character.

    NFC alone keeps `á` with a circumflex after it as two characters, because both marks stand
    above: it would be another word than `ấ` to every comparison.
    """
    if text.isascii():
        return text
    text = unicodedata.normalize("NFC", text)
    if "\u0302" in text or "\u0306" in text:
        text = _TONE_FIRST.sub(_tone_last, text)
    return text


def _tone_last(found: re.Match[str]) -> str:
    vowel, tone, shape = tuple(unicodedata.normalize("NFD", found[0]))
    return unicodedata.normalize("NFC", f"{vowel}{shape}{tone}")
