"""What `diagnose` hands to its rules, for the tests of all instruments."""

import types

import pytest

from keras_tricks.doctor import diagnose, rules


class Seen(BaseException):
    """Ends a diagnosis, which goes on after every `Exception` of a rule."""


@pytest.fixture(scope="session")
def in_diagnosis():
    """Return `see(look, *arguments, **keywords)`: what `look` returns of the evidence.

    The arguments are those of `diagnose`, which ends there.
    """

    def see(look, *arguments, **keywords):
        def before(evidence):
            try:
                found, error = look(evidence), None
            except Exception as raised:
                found, error = None, raised
            raise Seen(found, error)

        rule = types.SimpleNamespace(before=before)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rules, "modules", lambda: {"see": rule})
            try:
                diagnose(*arguments, **keywords)
            except Seen as seen:
                found, error = seen.args
        if error is not None:
            raise error
        return found

    return see
