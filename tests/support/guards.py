"""The contract that every guard passes which remembers."""

from luotdoc_subscriber.guard import Guard


class GuardContract:
    """What a guard does. A subclass has the fixture `guard`: one that has seen nothing."""

    async def test_nothing_is_held_at_first(self, guard: Guard) -> None:
        assert await guard.held("article/a") == 0

    async def test_it_keeps_the_highest_of_each_subject(self, guard: Guard) -> None:
        for subject, revision in (("a", 3), ("b", 1), ("a", 2), ("b", 1), ("c", 1), ("c", 2)):
            await guard.keep(subject, revision)
        assert [await guard.held(subject) for subject in "abcd"] == [3, 1, 2, 0]

    async def test_a_subject_is_its_whole_name(self, guard: Guard) -> None:
        await guard.keep("article/a", 4)
        others = ("article/A", "article/a ", "article/", "page/a", "%", "article/a'")
        assert [await guard.held(subject) for subject in others] == [0] * len(others)

    async def test_a_revision_may_have_18_digits(self, guard: Guard) -> None:
        await guard.keep("a", 10**18)
        assert await guard.held("a") == 10**18
