"""Practice: data as rounds, a stop that is fair, scores, and a tiny run."""

import csv
import dataclasses
import functools
import math
import pathlib

import keras
import numpy as np
import pytest

from benchmarks.practice import networks
from benchmarks.practice import page
from benchmarks.practice import running
from benchmarks.practice import scores
from benchmarks.practice import tasks
from ws_keras.report.render import markdown
from ws_keras.storage import rows

RNG = np.random.default_rng(4)


@pytest.fixture(scope="module")
def task():
    x = RNG.normal(3, 2, (900, 4)).astype("float32")
    x[:, 3] = 7  # never varies
    y = (x[:, 0] > 3).astype("int32")
    made = tasks.in_time(x, y, np.arange(900) // 300, 2, share=0.5)
    return dataclasses.replace(made, batch_size=64)


@pytest.fixture(scope="module")
def folder(task, tmp_path_factory):
    """A run of two arms and two seeds."""
    path = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "MAX_EPOCHS", 2)
        running.run("bank", task, ("cold", "warm"), (0, 1), path / "bank")
    return path


def test_time_decides_what_is_learned_and_what_is_measured(task):
    assert len(task.rounds) == len(task.validation) == len(task.held_out) == 2
    for number in range(2):
        learned = [part[number][0] for part in (task.rounds, task.validation)]
        assert 100 < sum(map(len, learned)) < 200
        assert 0 < len(learned[1]) < 40
    # A sample is in one part alone.
    parts = [*task.rounds, *task.validation, *task.held_out]
    first = np.concatenate([x[:, 0] for x, _ in parts])
    assert len(np.unique(first)) > 0.99 * len(first)


def test_features_are_scaled_by_the_first_block(task):
    x = np.concatenate([task.rounds[0][0], task.validation[0][0]])
    np.testing.assert_allclose(x[:, :3].mean(0), 0, atol=0.01)
    np.testing.assert_allclose(x[:, :3].std(0), 1, atol=0.02)
    assert (x[:, 3] == 0).all()
    assert np.abs(np.concatenate([x for x, _ in task.held_out])).max() <= 5


def test_rounds_at_random_are_equal_and_disjoint():
    y = np.arange(100)
    made = tasks.at_random(y[:, None], y, (y[:3, None], y[:3]), 5, None)
    parts = [*made.rounds, *made.validation]
    assert [len(y) for _, y in parts] == 5 * [18] + 5 * [2]
    assert sorted(np.concatenate([y for _, y in parts])) == [*range(100)]
    assert all((x[:, 0] == y).all() for x, y in parts)


def test_words_are_ids_whatever_their_case():
    found = tasks.ids(["Where is my card?", "my card", ""])
    assert found.shape == (3, networks.LENGTH)
    assert found[1, :2].tolist() == found[0, 2:4].tolist()
    assert (found[0, :4] > 0).all() and found.max() < networks.WORDS
    assert not found[2].any() and not found[0, 4:].any()


def test_domains_arrive_one_by_one(tmp_path):
    lines = [
        (split, label, domain, f"text {label} {number}")
        for split, count in (("train", 30), ("val", 6), ("test", 30))
        for label, domain in enumerate(["a", "a", "b", ""])
        for number in range(count)
    ]
    with open(tmp_path / "clinc150.csv", "w", encoding="utf8") as file:
        writer = csv.writer(file)
        writer.writerow(("split", "label", "domain", "text"))
        writer.writerows(lines)
    made = tasks.clinc150(tasks.Files(tmp_path))
    assert [len(y) for _, y in made.rounds] == [40, 20]
    assert [len(y) for _, y in made.validation] == [10, 5]
    assert [len(y) for _, y in made.held_out] == [60, 30]
    assert [sorted(set(y)) for _, y in made.rounds] == [[0, 1], [2]]


def test_a_round_ends_by_the_validation_samples_so_far():
    parts = [(np.full((n, 1), n, "float32"), np.zeros(n)) for n in (3, 2)]
    rule = running.EarlyStopping(parts)
    rule.set_model(networks.regression(1))
    rule.number = 1
    rule.on_train_begin()
    assert [x.numpy().tolist() for x, _ in rule._data] == [3 * [[3.0]]]
    rule.number = 2
    rule.on_train_begin()
    ((x, _),) = rule._data
    assert x.numpy().ravel().tolist() == [3, 3, 3, 2, 2]


def test_a_round_is_measured_on_its_own_part():
    data = running.Next(None, None, [10, 20], None, [25, 32])
    assert data.seen(1).tolist() == [*range(20, 25)]
    assert data.seen(2).tolist() == data.held_out.tolist() == [*range(25, 32)]


@pytest.mark.slow
def test_a_tiny_run_is_kept(folder):
    found = rows.read_workdir(folder / "bank")
    assert len(found) == 2 * 2 * 2
    assert {row.stopped_by for row in found} == {"cap"}
    assert all(0 <= row.measures["auc"] <= 1 for row in found)
    # The first round is the same for all arms of a seed.
    first = {
        (row.seed, row.loss, row.measures["auc"])
        for row in found
        if row.round == 1
    }
    assert len(first) == 2


def test_the_page_shows_what_the_rows_say(folder):
    text = page.write(folder)
    assert (folder / "practice.md").read_text() == text + "\n"
    assert (folder / "practice.png").stat().st_size > 1000
    lines = [one for one in text.splitlines() if one.startswith("| bank")]
    brief, cold, *_ = lines
    found = [
        100 * row.measures["auc"]
        for row in rows.read_workdir(folder / "bank")
        if row.arm == "cold" and row.round == 2
    ]
    assert f"| {np.mean(found):.1f} " in cold
    assert f"| {np.mean(found):.1f} " in brief


def test_the_committed_tables_are_those_of_the_committed_rows():
    folder = pathlib.Path(__file__).parents[2] / "results/practice"
    known = (folder / "practice.md").read_text("utf8")
    found = page.read(folder)
    assert list(found) == list(tasks.TASKS)
    lines = [line for name in found for line in page.table(name, found[name])]
    assert page.brief(found) in known
    assert markdown.table(list(page._HEADER), lines) in known


def test_scores_are_points_and_more_is_better(make_row):
    mae = {"monitor": "mae", "mode": "min"}
    assert scores.score(make_row(accuracy=71.5)) == 71.5
    row = make_row(labels=mae, measures={"mae": 0.25}, accuracy=math.nan)
    assert scores.score(row) == -25


def test_the_first_round_counts_in_costs_alone(make_row):
    found = [
        make_row(
            round=number,
            accuracy=accuracy,
            sample_passes=10 * number,
            last=number == 3,
        )
        for number, accuracy in ((1, 10.0), (2, 50.0), (3, 60.0))
    ]
    arm = scores.of(found)
    seed = found[0].seed
    assert arm.mean == {seed: 55} and arm.last == {seed: 60}
    assert arm.passes == {seed: 60}


def test_intervals_are_paired():
    def arm(*values):
        made = dict(enumerate(values))
        return scores.Arm(made, made, made, made)

    gain = scores.gain(arm(10.0, 21.0, 32.0), arm(9.0, 19.0, 29.0))
    # Differences of 1, 2 and 3: error 1 / sqrt(3), t of 2 degrees 4.3027.
    assert gain.low == pytest.approx(2 - 4.3027 / math.sqrt(3), abs=1e-3)
    assert scores.interval(gain) == "+2.0 (−0.5 to +4.5)"
    assert scores.share(arm(2.0, 2.0), arm(8.0, 2.0)).mean == pytest.approx(0.5)


def test_networks_have_one_output_for_two_classes():
    assert networks.mlp(3, 2).output_shape == (None, 1)
    assert networks.mlp(3, 4).output_shape == (None, 4)


def test_the_last_module_goes_on_as_it_was_trained():
    whole = networks.squeezenet(None, 48)
    frozen, weights = networks.last_module(whole)
    build = functools.partial(networks.tuned, frozen.output_shape[1:], weights)
    images = networks.prepared(RNG.integers(0, 255, (2, 32, 32, 3)), 48)
    model = build(10)
    (pooled,) = [one for one in model.layers if "pool" in one.name]
    features = keras.Model(model.input, pooled.output)
    np.testing.assert_allclose(
        features(frozen(images)), whole(images), atol=1e-4
    )
