"""Everything that a company wrote down, as one file: taken while it works, restored on either database."""

from fieldservice.backup.archive import BackupFault, read_manifest, write_backup
from fieldservice.backup.moving import move
from fieldservice.backup.restore import restore

__all__ = ["BackupFault", "move", "read_manifest", "restore", "write_backup"]
