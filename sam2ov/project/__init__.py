"""Projects: what people do to a clip, kept on disk step by step."""

from sam2ov.project.documents import ModelDocument
from sam2ov.project.history import ModelChangedError
from sam2ov.project.objects import NewObject
from sam2ov.project.project import Project
from sam2ov.project.tracking_plan import Reach, plan_project

__all__ = [
    "ModelChangedError",
    "ModelDocument",
    "NewObject",
    "Project",
    "Reach",
    "plan_project",
]
