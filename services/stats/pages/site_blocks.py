"""The blocks of `/stats/`, from the site's quarters and the sections'. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.stats.drawing.bars import Bar, bars_plot, stack_plot
from services.stats.drawing.markup import Caption, numbers_table
from services.stats.pages.blocks import (
    STEP_WORDS,
    Block,
    Known,
    axis_marks,
    course_block,
    described,
    series_csv,
    table_csv,
)
from services.stats.pages.heat_block import heat_block
from services.stats.pages.languages import Language
from services.stats.pages.spans import (
    Steps,
    heat_days,
    period_steps,
    stack_steps,
    today_steps,
    year_steps,
)
from services.stats.periods import Period
from services.stats.traffic.course import NO_READS, LongCourse
from services.stats.traffic.lines import NOT_KNOWN, line_reads, lines_of
from services.stats.traffic.site_buckets import READS, SiteKey
from shared.rabbit.batch import DEVICES, FILTERED_CLASSES, OTHER_CLASS, READER, REFERRERS

MOST_BARS = 12
"""Sections that the plot shows."""
NOT_PEOPLE = (*FILTERED_CLASSES, OTHER_CLASS)
"""The classes of reads that are not people's."""
Courses = Mapping[SiteKey, LongCourse]
"""The quarters of the site by what is counted."""


@dataclass(frozen=True, slots=True)
class CountedKind:
    """A section, or a class of readers, as programs and people call it."""

    kind: str
    name: str
    reads: int


class SiteBlocks:
    """Makes the blocks of one page. `span` is the period's, in quarters."""

    def __init__(
        self, courses: Courses, moment: Known, language: Language, period: str, span: Period
    ) -> None:
        self._courses, self._moment, self._language = courses, moment, language
        self._period, self._span = period, span
        self._when = language.say(f"in_{period}")
        self._whole = language.notation.whole

    def _of(self, key: SiteKey = READS) -> LongCourse:
        return self._courses.get(key, NO_READS)

    def today(self) -> Block:
        """Today by hour, over the same weekday of the week before."""
        steps = today_steps(self._moment.as_of, self._moment.zone)
        day = self._language.weekday(self._moment.as_of.astimezone(self._moment.zone))
        name = ("today", self._language.say("today_course"))
        labels = (self._language.say("today"), self._language.say("same_weekday", day=day))
        return self._course(name, steps, labels)

    def course(self) -> Block:
        """The period, over the one before."""
        moment = self._moment
        steps = period_steps(self._period, moment.as_of, moment.zone, moment.first_day)
        step = self._language.say(STEP_WORDS[steps.step][1])
        heading = self._language.say("period_course", period=self._when, step=step)
        return self._course(("period", heading), steps, self._labels())

    def year(self) -> Block:
        """The last 365 days, over those before."""
        steps = year_steps(self._moment.as_of, self._moment.zone)
        return self._course(("year", self._language.say("year_course")), steps, self._labels())

    def _labels(self) -> tuple[str, str]:
        return self._language.say("this_period"), self._language.say("before")

    def _course(self, name: tuple[str, str], steps: Steps, labels: tuple[str, str]) -> Block:
        return course_block(name, steps, self._of(), self._moment, self._language, labels)

    def heat(self) -> Block:
        """The mean reads of each hour of the week."""
        moment = self._moment
        days = heat_days(self._period, moment.as_of, moment.zone, moment.first_day)
        return heat_block(days, self._of(), moment, self._language, self._period)

    def classes(self) -> Block:
        """People's reads, and filtered ones by reason."""
        moment, language = self._moment, self._language
        steps = stack_steps(self._period, moment.as_of, moment.zone, moment.first_day)
        found = lines_of(self._courses, None, "class")
        lines = [
            moment.known(line_reads(steps.edges, found[kind]), steps.edges)
            for kind in ("reads", *NOT_PEOPLE)
        ]
        names = [language.say("people"), *map(language.say, NOT_PEOPLE)]
        times = [language.step(steps.step, moment.local(edge)) for edge in steps.edges[:-1]]
        heading = language.say("classes", period=self._when)
        stacks = list(zip(*lines, strict=True))
        caption = Caption("classes", heading, described(times, lines[0], [], language))
        marks = list(axis_marks(steps.step, steps.edges, moment.zone, language))
        notes = [language.say("classes_note")]
        if moment.unfinished(steps.edges) is not None:
            notes.append(language.say("last_bar", what=language.say(f"open_{steps.step}")))
        rows = ((time, *map(self._whole, stack)) for time, stack in zip(times, stacks, strict=True))
        return Block(
            id="classes-heading",
            heading=heading,
            plot=stack_plot(caption, stacks, marks, language.notation),
            table=numbers_table(heading, (language.say(STEP_WORDS[steps.step][0]), *names), rows),
            csv=series_csv(steps.step, steps.edges, split="class"),
            note=" ".join(notes),
            legend=tuple((f"s{place}", name) for place, name in enumerate(names)),
        )

    def sections(self, courses: Mapping[str, LongCourse], names: Mapping[str, str]) -> Block:
        """The sections, most read first. `names` has what people call them."""
        reads = [
            CountedKind(
                slug,
                names.get(slug, slug.replace("-", " ").capitalize()),
                course.between(*self._span),
            )
            for slug, course in courses.items()
        ]
        note = (
            self._language.say("other_sections", number=MOST_BARS) if len(reads) > MOST_BARS else ""
        )
        return self._bars("sections", "section", sorted(reads, key=_most), note)

    def referrers(self) -> Block:
        """Where readers came from."""
        return self._bars("referrers", "referrer", self._kinds("referrer", REFERRERS))

    def devices(self) -> Block:
        """What readers read on."""
        return self._bars("devices", "device", self._kinds("device", DEVICES))

    def _kinds(self, what: str, kinds: Iterable[str]) -> list[CountedKind]:
        found, left = [], self._of(("class", READER)).between(*self._span)
        for kind in kinds:
            reads = self._of((what, kind)).between(*self._span)
            left -= reads
            name = f"other_{what}" if kind == OTHER_CLASS else kind
            found.append(CountedKind(kind, self._language.say(name), reads))
        left_over = CountedKind(NOT_KNOWN, self._language.say(NOT_KNOWN), left)
        return [*sorted(found, key=_most), left_over]

    def _bars(
        self, block_id: str, what: str, kinds: Sequence[CountedKind], note: str = ""
    ) -> Block:
        language, heading = self._language, self._language.say(block_id, period=self._when)
        total = sum(each.reads for each in kinds)
        shares = [language.notation.share(each.reads, total) for each in kinds]
        texts = [self._whole(each.reads) for each in kinds]
        bars = [
            Bar(each.name, each.reads, f"{number} · {share}" if total else number)
            for each, number, share in zip(kinds, texts, shares, strict=True)
        ]
        text = language.say("described_none")
        if total:
            most = min(kinds, key=_most)
            text = language.say("described_bars", name=most.name, number=self._whole(most.reads))
        head = (language.say(what), language.say("reads"), language.say("share"))
        rows = zip((each.name for each in kinds), texts, shares, strict=True)
        return Block(
            id=f"{block_id}-heading",
            heading=heading,
            plot=bars_plot(Caption(block_id, heading, text), bars[:MOST_BARS], total),
            table=numbers_table(heading, head, rows),
            csv=table_csv(block_id, self._period),
            note=note,
            columns=(what, "name", "reads"),
            rows=[(each.kind, each.name, each.reads) for each in kinds],
        )


def _most(each: CountedKind) -> tuple[int, str]:
    return -each.reads, each.name
