"""What the forms of officers and of units' people share: each carries a token against forged posts, and names what is
wrong by the key of a text.
"""

from flask_wtf import FlaskForm

_LIBRARY_MESSAGES = {
    "Not a valid date value.": "error_date",
    "Not a valid integer value.": "error_count",
    "Not a valid choice.": "error_choice",
    "Not a valid choice": "error_choice",
}


class _Keys:
    """Turns the form library's own English sentences into keys of our texts."""

    def gettext(self, string: str) -> str:
        return _LIBRARY_MESSAGES.get(string, string if string.startswith("error_") else "error_choice")

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        return "error_choice"


class OfficeForm(FlaskForm):  # type: ignore[misc]
    """A form of the office or the portal; `problems()` lists its fields with the key of what is wrong."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        def get_translations(self, form: object) -> _Keys:
            return _Keys()

    def problems(self) -> list[tuple[str, str]]:
        """The fields that are wrong, in the order of the page: (field name, key of the text that says so)."""
        return [(field.name, str(field.errors[0])) for field in self if field.errors and field.name != "csrf_token"]
