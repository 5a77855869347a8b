"""Pages that say why there is no page."""

from services.render.page import Page
from services.render.rendering.renderer import Renderer
from services.render.serving.answers import NO_STORE, Answer


class Errors:
    """Answers with error pages for people, made once for each language of the site."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer
        self.make()

    def make(self) -> None:
        """Make the pages of the present site."""
        site = self._renderer.site
        self._first = site.language
        self._pages = {
            (status, language): self._page(status, language)
            for status in (404, 410, 500, 503)
            for language in site.languages
        }

    def not_found(self, language: str | None = None) -> Answer:
        """There is no such page."""
        return self._error(404, language)

    def gone(self, withdrawn: Page, instead: Page | None = None) -> Answer:
        """The article was withdrawn. `instead`: the page that its editor names in its place."""
        language = withdrawn.language or (instead.language if instead else "")
        if instead is None:
            return self._error(410, language)
        body = self._page(410, language, instead)
        return Answer(kind="error", status=410, body=body, caching=NO_STORE)

    def bug(self) -> Answer:
        """A fault of the program, which is logged."""
        return self._error(500)

    def unavailable(self) -> Answer:
        """MongoDB gives no answer."""
        return self._error(503, headers=((b"retry-after", b"5"),))

    def _error(
        self,
        status: int,
        language: str | None = None,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> Answer:
        body = self._pages.get((status, language or "")) or self._pages[status, self._first]
        return Answer(kind="error", status=status, body=body, caching=NO_STORE, headers=headers)

    def _page(self, status: int, language: str, instead: Page | None = None) -> bytes:
        say = self._renderer.words(language).say
        texts = {
            404: (say("Không tìm thấy trang"), say("Trang này không có, hoặc chưa được đăng.")),
            410: (say("Bài viết đã được gỡ"), say("Bài viết này không còn trên trang.")),
            500: (
                say("Có lỗi trên máy chủ"),
                say("Lỗi đã được ghi lại. Mời bạn thử lại sau ít phút."),
            ),
            503: (
                say("Tạm thời không xem được"),
                say("Máy chủ đang bận, mời bạn thử lại sau ít phút."),
            ),
        }
        return self._renderer.error(status, *texts[status], instead, language).encode()
