"""What the pages of all services have in common: the style sheet's first part (colours, type,
header and footer), and the icon.
"""

from pathlib import Path

_FOLDER = Path(__file__).parent / "static"
LOOK = {file.name: file.read_bytes() for file in sorted(_FOLDER.iterdir())}
"""`base.css` and `favicon.svg`."""
