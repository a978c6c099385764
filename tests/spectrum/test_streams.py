"""Random streams: one per concern and channel, the same for the same key."""

import itertools

from stackelberg.spectrum.streams import Concern, named_seed, stream


def test_the_same_key_gives_the_same_numbers_and_any_other_key_others():
    keys = [(0, Concern.CHANNEL), (1, Concern.CHANNEL), (0, Concern.MATCHING)]
    first = {key: stream(*key).random(5).tolist() for key in keys}
    assert first == {key: stream(*key).random(5).tolist() for key in keys}
    channels = [stream(0, Concern.CHANNEL, i).random(5).tolist() for i in range(3)]
    for one, other in itertools.combinations([*first.values(), *channels], 2):
        assert not set(one) & set(other)


def test_the_numbers_of_a_key_never_change():
    """Guards published seeds: these are what seed 0 has always given."""
    assert stream(0, Concern.CELLULAR_POSITION).random() == 0.7211967525405779
    assert [concern.value for concern in Concern] == list(range(11))


def test_a_named_seed_depends_on_the_seed_and_the_name():
    seeds = [named_seed(seed, name) for seed in (0, 1) for name in ("101", "102", "")]
    assert len(set(seeds)) == 6
    assert seeds[0] == named_seed(0, "101")
    assert all(0 <= seed < 2**128 for seed in seeds)
