"""Requests that carry files: how much is read, and what of it is kept while it comes in.

A photo that is too large shall not cost the form that it came with. So forms with files may be large, and
what is too much of a file is read and forgotten: the view gets all fields, and says which file was not kept.
"""

from __future__ import annotations

from collections.abc import Callable
from tempfile import SpooledTemporaryFile
from typing import IO, Any

import flask
from werkzeug.datastructures import FileStorage

from fieldservice.attachments.service import MOST_FILES
from fieldservice.files.content import MOST_BYTES

MOST_BODY = 200_000_000
MOST_FIELD = 128_000  # of one field of text beside the files
IN_MEMORY = 500_000

type View = Callable[..., Any]


class UploadRequest(flask.Request):
    """A request whose files are cut off where they are too large, each and all together."""

    room = MOST_FILES * MOST_BYTES

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        return CutOff(self)


class CutOff(SpooledTemporaryFile[bytes]):
    """A file that is being received; `too_large` says that its end is missing."""

    def __init__(self, request: UploadRequest) -> None:
        super().__init__(max_size=IN_MEMORY)
        self.request = request
        self.left = MOST_BYTES
        self.too_large = False

    def write(self, data: Any) -> int:
        """Keep what there is room for."""
        length = len(data)
        if length > min(self.left, self.request.room):
            self.left, self.too_large = 0, True
            return length
        self.left -= length
        self.request.room -= length
        return super().write(data)


def is_too_large(file: FileStorage) -> bool:
    """Whether the end of a received file is missing."""
    return bool(getattr(file.stream, "too_large", False))


def takes_files[V: View](view: V) -> V:
    """Mark a view whose form carries files: its requests may be larger than others."""
    view.takes_files = True  # type: ignore[attr-defined]
    return view


def make_room(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Before anything reads the request: allow the body of a view that takes files to be large."""
    view = flask.current_app.view_functions.get(endpoint or "")
    if getattr(view, "takes_files", False) and flask.request.mimetype == "multipart/form-data":
        flask.request.max_content_length = MOST_BODY
        flask.request.max_form_memory_size = MOST_FIELD
