"""The one exception that is meant for the user's eyes."""


class UserError(Exception):
    """Something the user gave is wrong; the message is one line that says what, and what is allowed."""
