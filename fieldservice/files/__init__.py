"""Files that people send: where they lie, what is accepted, who looks for viruses. Knows no database."""

from fieldservice.files.content import Fault, Kept, Unfit, fit
from fieldservice.files.scanner import Verdict, scan
from fieldservice.files.store import FileMissing, FileStore, NotStored

__all__ = ["Fault", "FileMissing", "FileStore", "Kept", "NotStored", "Unfit", "Verdict", "fit", "scan"]
