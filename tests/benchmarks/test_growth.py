"""What is drawn of how cost grows."""

from benchmarks import growth


def test_rounds_of_each_arm_are_those_of_the_committed_rows():
    points = growth.rounds()
    arms = {point["arm"] for point in points}
    assert {"cold", "warm", "shrink_perturb 0.6/0.01"} <= arms
    sizes = [p["size"] for p in points if p["arm"] == "cold"]
    assert sizes == [1000, 2000, 3000, 4000, 5000]
    assert all(point["repeats"] == 3 for point in points)


def test_all_points_are_drawn():
    points = [
        *growth.rounds(),
        {"what": "sweep", "size": 1, "wall": 9.0, "cpu": 8.0},
        {"what": "sweep", "size": 2, "wall": 5.0, "cpu": 9.0},
    ]
    drawn = growth.figure(points)
    lines = {axes.get_title(): axes.lines for axes in drawn.axes}
    assert len(lines["Rounds of Figure 2"]) == 4
    wall, cpu = lines["Sweep of 8 settings"]
    assert wall.get_ydata().tolist() == [9, 5]
    assert cpu.get_ydata().tolist() == [8, 9]
