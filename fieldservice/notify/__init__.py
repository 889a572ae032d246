"""How customers are reached: e-mail, text messages, calendar files, and the words in them.

Nothing here knows a table or a request.
"""

from fieldservice.notify.channels import Channels, open_channels

__all__ = ["Channels", "open_channels"]
