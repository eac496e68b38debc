"""What is tracked when the user asks for it."""

from collections.abc import Sequence

from sam2ov.engine.plan import Segment, track_segments
from sam2ov.project import Project, Reach, plan_project
from tests.click_model import NUM_FRAMES

LAST = NUM_FRAMES - 1


def plan(project: Project, reach: Reach, frame: int) -> list[tuple[int, int, tuple[int, ...]]]:
    segments = plan_project(project, reach, frame)
    return [(s.frames[0], s.frames[-1], s.obj_ids) for s in segments]


def run(project: Project, segments: Sequence[Segment], *, stop_after: int | None = None) -> None:
    for done, _ in enumerate(track_segments(project.session, segments), 1):
        if done == stop_after:
            return


def test_nothing_prompted_is_nothing_to_track(project: Project) -> None:
    assert plan(project, "both", 4) == []


def test_directions(project: Project) -> None:
    project.prompts.click(1, 4, (20, 30), positive=True)
    assert plan(project, "forward", 4) == [(5, LAST, (1,))]
    assert plan(project, "backward", 4) == [(3, 0, (1,))]
    assert plan(project, "both", 4) == [(5, LAST, (1,)), (3, 0, (1,))]


def test_tracking_starts_at_the_prompts_wherever_the_user_looks(project: Project) -> None:
    project.prompts.click(1, 4, (20, 30), positive=True)
    assert plan(project, "forward", 9) == [(5, LAST, (1,))]
    assert plan(project, "forward", 0) == [(5, LAST, (1,))]
    assert plan(project, "backward", 0) == [(3, 0, (1,))]


def test_of_several_prompted_frames_the_nearest_counts(project: Project) -> None:
    project.prompts.click(1, 2, (20, 30), positive=True)
    project.prompts.click(1, 7, (20, 30), positive=True)
    assert plan(project, "forward", 8) == [(8, LAST, (1,))]
    assert plan(project, "forward", 6) == [(3, LAST, (1,))]
    assert plan(project, "backward", 6) == [(6, 0, (1,))]
    assert plan(project, "both", 7) == [(8, LAST, (1,)), (6, 0, (1,))]


def test_what_is_tracked_is_not_tracked_again(project: Project) -> None:
    project.prompts.click(1, 0, (20, 30), positive=True)
    run(project, plan_project(project, "forward", 0), stop_after=4)
    assert plan(project, "forward", 4) == [(5, LAST, (1,))], "it goes on where it stopped"
    run(project, plan_project(project, "forward", 4))
    assert plan(project, "forward", 4) == []


def test_a_correction_is_tracked_from_there(project: Project) -> None:
    project.prompts.click(1, 0, (20, 30), positive=True)
    run(project, plan_project(project, "forward", 0))
    project.prompts.click(1, 6, (30, 30), positive=True)
    assert plan(project, "forward", 6) == [(7, LAST, (1,))]
    assert plan(project, "both", 6) == [(7, LAST, (1,))], "what came before does not depend on it"


def test_the_first_frame_can_be_reached_alone(project: Project) -> None:
    project.prompts.click(1, 5, (20, 30), positive=True)
    run(project, plan_project(project, "backward", 5), stop_after=4)
    assert plan(project, "backward", 5) == [(0, 0, (1,))]
    run(project, plan_project(project, "backward", 5))
    assert project.session.timeline(1).has_result[:5].all()


def test_objects_join_where_they_are_prompted(project: Project) -> None:
    second = project.objects.add().obj_id
    project.prompts.click(1, 0, (20, 30), positive=True)
    project.prompts.click(second, 6, (20, 30), positive=True)
    both = (1, second)
    assert plan(project, "forward", 6) == [(1, 6, (1,)), (7, LAST, both)]
    assert plan(project, "backward", 6) == [(5, 0, (second,))]


def test_objects_leave_where_they_are_complete(project: Project) -> None:
    second = project.objects.add().obj_id
    project.prompts.click(1, 0, (20, 30), positive=True)
    run(project, plan_project(project, "forward", 0))
    project.prompts.click(second, 3, (20, 30), positive=True)
    assert plan(project, "forward", 3) == [(4, LAST, (second,))]


def test_unprompted_objects_are_left_out(project: Project) -> None:
    project.objects.add()
    project.prompts.click(1, 0, (20, 30), positive=True)
    assert plan(project, "forward", 0) == [(1, LAST, (1,))]


def test_only_what_lies_between_the_in_and_out_points(project: Project) -> None:
    project.prompts.click(1, 5, (20, 30), positive=True)
    project.set_in_out(range(3, 9))
    assert plan(project, "both", 5) == [(6, 8, (1,)), (4, 3, (1,))]


def test_one_frame(project: Project) -> None:
    project.prompts.click(1, 0, (20, 30), positive=True)
    assert plan(project, "frame", 4) == [(4, 4, (1,))]
    assert plan(project, "frame", 0) == [], "it is prompted"


def test_chosen_objects_only_and_never_locked_ones(project: Project) -> None:
    ids = [1, project.objects.add().obj_id, project.objects.add().obj_id]
    for obj_id in ids:
        project.prompts.click(obj_id, 0, (20, 30), positive=True)
    project.objects.lock([ids[1]], locked=True)
    assert plan(project, "forward", 0) == [(1, LAST, (ids[0], ids[2]))]
    segments = plan_project(project, "forward", 0, ids[1:])
    assert [segment.obj_ids for segment in segments] == [(ids[2],)]
