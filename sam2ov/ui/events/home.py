"""Seeing that what is done will be kept, and telling of it where its folder has gone."""

from sam2ov.ui.tabs.workspace import Workspace


def keep_home(workspace: Workspace) -> None:
    """Before anything is done to an open project, in its tab's turn.

    Raises:
        StorageError: its folder was deleted, and no other can be written.
    """
    if workspace.keep_home():
        workspace.tell(
            "project",
            "The project's folder was deleted on the server. Nothing is lost: all of it was "
            "written to a new one, where you go on.",
        )
