"""Projects: what people do to a clip, kept on disk step by step."""

from sam2ov.project.documents import ModelDocument
from sam2ov.project.project import ModelChangedError, NewObject, Project, ProjectObject
from sam2ov.project.tracking_plan import Direction, plan_tracking

__all__ = [
    "Direction",
    "ModelChangedError",
    "ModelDocument",
    "NewObject",
    "Project",
    "ProjectObject",
    "plan_tracking",
]
