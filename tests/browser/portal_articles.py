"""Articles unlike the samples, by their ids: bodies of the API."""

from typing import Any

LETTERS = "Nghị quyết nêu rõ ngữ nghĩa. "
HOSTILE = (
    '<p onclick="x()">Chữ</p><script>alert(1)</script><h2 id="noi-dung">Trùng mã</h2><p>"\'&amp;'
    '&lt;b&gt;</p><table><tr><td>a<td>b</table><iframe src="https://x.vn"></iframe><p><img src="x" '
    'alt="<h2>a</h2>"></p><h2>Hai</h2><h2>Ba</h2><a href="javascript:x()">b</a><svg onload=x()>'
)
NOTES = "".join(
    f'<p>Câu {each}<sup><a href="#fn{each}" id="ref{each}">[{each}]</a></sup></p>'
    for each in range(300)
) + "".join(
    f'<p id="fn{each}">Ghi chú {each} <a href="#ref{each}">↩</a></p>' for each in range(300)
)
LONG = "".join(f"<h2>Phần {each}</h2><p>{LETTERS * 60}</p>" for each in range(6))
PICTURE = {"url": "/media/none.webp", "alt": "Cây cầu", "caption": "Cầu mới", "credit": "M. Đ."}

ARTICLES: dict[str, dict[str, Any]] = {
    "plain": {"title": "Không ngày đăng, không ảnh", "body_html": "<p>Một câu.</p>"},
    "hostile": {"title": "<b>Chữ</b> \"'&", "lead": "<i>a</i>", "body_html": HOSTILE},
    "english": {"title": "The bridge is open", "language": "en", "body_html": "<p>Today.</p>"},
    "lead": {"title": "Lời dẫn dài", "lead": "Chữ dài " * 75, "body_html": "<p>Một câu.</p>"},
    "large": {"title": "Một MiB", "body_html": f"<p>{LETTERS * 1000}</p>" * 25},
    "rtl": {"title": "افتتاح الجسر", "language": "ar", "body_html": "<p>تدفقت حركة المرور</p>"},
    "notes": {"title": "Ba trăm ghi chú", "body_html": NOTES},
    "full": {
        "title": "Đủ mọi phần của một bài",
        "lead": "Lời dẫn.",
        "body_html": f"{LONG}<figure><img src='/media/portrait.webp' alt='Trụ cầu'><figcaption>"
        f"Trụ cầu</figcaption></figure><table><tr><th scope=col>{'Cột rất dài ' * 9}<th scope=col>B"
        "<tr><td>1<td>2</table>",
        "tags": ["Lễ hội", "cầu"],
        "byline": "Thu Hà",
        "image": PICTURE,
        "published_at": "2026-11-20T07:05:00+07:00",
        "topic": "Mùa lũ 2026",
        "audio": "/media/none.mp3",
        "attachments": [
            {"url": "/f/a.pdf", "title": "Quyết định", "type": "application/pdf", "size": 1234567}
        ],
    },
}
