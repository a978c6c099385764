"""The queue of boxes against a sorted list."""

import numpy as np

from stackelberg.spectrum.box_queue import largest_bound, new_queue, pop, push


def test_the_box_of_largest_bound_comes_first_with_all_that_was_stored():
    random = np.random.default_rng(6)
    queue = new_queue(2, 4)  # grows six times on the way
    bounds = random.choice(np.linspace(0.0, 1.0, 40), 200)
    to_come, waiting, taken = list(range(200)), [], []
    while to_come or waiting:
        assert largest_bound(queue) == max(
            (bounds[b] for b in waiting), default=-np.inf
        )
        if to_come and (not waiting or random.random() < 0.6):
            box = to_come.pop()
            corner = np.array([box, -box], dtype=float)
            mark = np.array([box, box + 1])
            queue = push(queue, bounds[box], box % 2, corner, corner + 0.5, mark)
            waiting.append(box)
        else:
            row = pop(queue)
            box = int(queue.low[row, 0])
            assert queue.bound[row] == bounds[box] == max(bounds[b] for b in waiting)
            assert queue.split[row] == box % 2
            assert queue.low[row].tolist() == [box, -box]
            assert queue.high[row].tolist() == [box + 0.5, -box + 0.5]
            assert queue.mark[row].tolist() == [box, box + 1]
            waiting.remove(box)
            taken.append(box)
    assert sorted(taken) == list(range(200))
    assert len(queue.heap) < 200  # rows were used again


def test_an_empty_queue_bounds_nothing():
    assert largest_bound(new_queue(3, 8)) == -np.inf
