"""Why an account cannot be made or changed; each text is a sentence for the person at the terminal."""


class UserRefused(Exception):
    """An account cannot be made or changed like this."""


class EmailInvalid(UserRefused):
    """The address is not an e-mail address."""


class EmailTaken(UserRefused):
    """Another account has this address."""


class EmailUnknown(UserRefused):
    """No account has this address."""


class NameInvalid(UserRefused):
    """The name is empty, too long or not printable."""


class PasswordTooShort(UserRefused):
    """Anybody could try all passwords of this length."""


class PasswordTooLong(UserRefused):
    """Longer than what the sign-in takes."""


class PasswordTooCommon(UserRefused):
    """One of the passwords that are tried first: widely used, or the person's own name or address."""
