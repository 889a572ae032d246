"""A real IMAP server for the tests: Debian's Dovecot, started for this run as whoever runs the tests."""

from __future__ import annotations

import grp
import imaplib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from fieldservice.processes import die_with_parent
from tests.services import dovecot_path, free_port, wait_until

PASSWORD = "only-for-these-tests"  # noqa: S105
_CONFIGURATION = """
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
protocols = imap
ssl = no
disable_plaintext_auth = no
listen = 127.0.0.1
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
first_valid_uid = 1
mail_location = maildir:{home}/mail/%u
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={home}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
"""


@contextmanager
def imap_server() -> Iterator[str]:
    """The address of a mailbox without e-mails, for FIELDSERVICE_IMAP_URL."""
    program, port = dovecot_path(), free_port()
    home = Path(tempfile.mkdtemp(prefix="fieldservice-imap-"))
    home.chmod(0o755)
    (home / "mail").mkdir(mode=0o777)
    (home / "mail").chmod(0o777)
    (home / "dovecot.conf").write_text(
        _CONFIGURATION.format(home=home, port=port, password=PASSWORD, **_as())
    )
    server = subprocess.Popen(
        [program, "-F", "-c", str(home / "dovecot.conf")], preexec_fn=partial(die_with_parent, os.getpid())
    )
    try:
        wait_until(partial(_answers, port), "the IMAP server")
        yield f"imap://replies:{PASSWORD}@127.0.0.1:{port}/INBOX"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()
        shutil.rmtree(home, ignore_errors=True)


def _as() -> dict[str, str]:
    if os.getuid() == 0:
        return {"user": "nobody", "group": "nogroup"}
    return {"user": pwd.getpwuid(os.getuid()).pw_name, "group": grp.getgrgid(os.getgid()).gr_name}


def _answers(port: int) -> bool:
    try:
        with imaplib.IMAP4("127.0.0.1", port, timeout=2):
            return True
    except (OSError, imaplib.IMAP4.error):
        time.sleep(0.05)
        return False
