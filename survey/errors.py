"""What the use cases complain of."""


class HailongError(Exception):
    """The root of what a use case refuses; the message is one line for the person who asked."""


class BadInput(HailongError):
    """A file, an argument or a setting is not usable; the message says what was found, what was expected and where."""


class NotFound(HailongError):
    """The round, unit, questionnaire or file that was named does not exist."""


class WrongState(HailongError):
    """What was asked does not fit the state the round is in."""


class SamePerson(WrongState):
    """What takes two people was about to be done by one."""


class StoreUnavailable(HailongError):
    """A store does not answer or cannot write: nothing was acknowledged, and sending again is safe."""
