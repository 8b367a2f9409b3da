"""What can be wrong with a processor's work, by who has to do something about it."""


class SourceError(Exception):
    """The source is not to be processed. The message says what and why, as the end of a sentence.

    Families raise it, or errors of their own that derive from it.
    """


class SettingsError(Exception):
    """An environment variable that is missing or makes no sense; the message names it."""
