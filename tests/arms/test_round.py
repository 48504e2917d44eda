"""What an arm gets to know of a round."""

import numpy as np

from ws_keras.arms import round as rounds


def test_old_samples_of_several_inputs_keep_their_structure():
    def chunk(number):
        a = np.full((number, 2), number)
        return {"a": a, "b": (a[:, :1], a[:, 0])}, number * np.ones(number)

    third = rounds.Round(
        3, 0, 0, chunk=chunk, policies={}, kept={}, cold_start=None
    )
    x, y = third.old
    assert y.tolist() == [1, 2, 2]
    assert x["a"].tolist() == [[1, 1], [2, 2], [2, 2]]
    assert [part.tolist() for part in x["b"]] == [[[1], [2], [2]], [1, 2, 2]]
    assert third.inputs()["a"][:, 0].tolist() == [1, 2, 2, 3, 3, 3]
    plain = rounds.Round(
        2,
        0,
        0,
        chunk=lambda n: (np.full((2, 3), n), np.full(2, n)),
        policies={},
        kept={},
        cold_start=None,
    )
    assert plain.old[0].tolist() == [[1, 1, 1], [1, 1, 1]]
    assert plain.new[1].tolist() == [2, 2]
