"""What is tracked when the user asks for it."""

from sam2ov.tracking_job import Segment
from sam2ov.ui.project import Project
from sam2ov.ui.tracking import plan_tracking
from tests.ui.conftest import NUM_FRAMES
from tests.ui.test_project import click

LAST = NUM_FRAMES - 1


def plan(project: Project, direction: str, frame: int) -> list[tuple[int, int, tuple[int, ...]]]:
    segments = plan_tracking(project, direction, frame)  # type: ignore[arg-type]
    assert all(s.reverse == (s.first > s.last) for s in segments if s.first != s.last)
    return [(s.first, s.last, s.obj_ids) for s in segments]


def run(project: Project, segments: list[Segment], *, stop_after: int | None = None) -> None:
    done = 0
    for segment in segments:
        for _ in project.session.propagate(
            segment.first,
            segment.num_frames - 1,
            reverse=segment.reverse,
            obj_ids=segment.obj_ids,
        ):
            done += 1
            if done == stop_after:
                return


def test_nothing_prompted_is_nothing_to_track(project: Project) -> None:
    assert plan(project, "both", 4) == []


def test_directions(project: Project) -> None:
    project.click(click(4, 20, 30))
    assert plan(project, "forward", 4) == [(5, LAST, (1,))]
    assert plan(project, "backward", 4) == [(3, 0, (1,))]
    assert plan(project, "both", 4) == [(5, LAST, (1,)), (3, 0, (1,))]


def test_tracking_starts_at_the_prompts_wherever_the_user_looks(project: Project) -> None:
    project.click(click(4, 20, 30))
    assert plan(project, "forward", 9) == [(5, LAST, (1,))]
    assert plan(project, "forward", 0) == [(5, LAST, (1,))]
    assert plan(project, "backward", 0) == [(3, 0, (1,))]


def test_of_several_prompted_frames_the_nearest_counts(project: Project) -> None:
    project.click(click(2, 20, 30))
    project.click(click(7, 20, 30))
    assert plan(project, "forward", 8) == [(8, LAST, (1,))]
    assert plan(project, "forward", 6) == [(3, LAST, (1,))]
    assert plan(project, "backward", 6) == [(6, 0, (1,))]
    assert plan(project, "both", 7) == [(8, LAST, (1,)), (6, 0, (1,))]


def test_what_is_tracked_is_not_tracked_again(project: Project) -> None:
    project.click(click(0, 20, 30))
    run(project, plan_tracking(project, "forward", 0), stop_after=4)
    assert plan(project, "forward", 4) == [(5, LAST, (1,))], "it goes on where it stopped"
    run(project, plan_tracking(project, "forward", 4))
    assert plan(project, "forward", 4) == []


def test_a_correction_is_tracked_from_there(project: Project) -> None:
    project.click(click(0, 20, 30))
    run(project, plan_tracking(project, "forward", 0))
    project.click(click(6, 30, 30))
    assert plan(project, "forward", 6) == [(7, LAST, (1,))]
    assert plan(project, "both", 6) == [(7, LAST, (1,)), (5, 1, (1,))]


def test_the_first_frame_can_be_reached_alone(project: Project) -> None:
    project.click(click(5, 20, 30))
    run(project, plan_tracking(project, "backward", 5), stop_after=4)
    assert plan(project, "backward", 5) == [(1, 0, (1,))], "the engine cannot start at frame 0"
    run(project, plan_tracking(project, "backward", 5))
    assert project.session.timeline(1).has_result[:5].all()


def test_objects_join_where_they_are_prompted(project: Project) -> None:
    second = project.add_object().obj_id
    project.click(click(0, 20, 30))
    project.click(click(6, 20, 30, obj=second))
    both = (1, second)
    assert plan(project, "forward", 6) == [(1, 6, (1,)), (7, LAST, both)]
    assert plan(project, "backward", 6) == [(5, 0, (second,))]


def test_objects_leave_where_they_are_complete(project: Project) -> None:
    second = project.add_object().obj_id
    project.click(click(0, 20, 30))
    run(project, plan_tracking(project, "forward", 0))
    project.click(click(3, 20, 30, obj=second))
    assert plan(project, "forward", 3) == [(4, LAST, (second,))]


def test_unprompted_objects_are_left_out(project: Project) -> None:
    project.add_object()
    project.click(click(0, 20, 30))
    assert plan(project, "forward", 0) == [(1, LAST, (1,))]
