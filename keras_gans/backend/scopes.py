"""Functions that assign variables, run as pure ones inside `keras.StatelessScope`s.

A scope maps variables to values; updates of variables inside a scope replace the value
in the scope and nothing else. A nested scope does not look up its parent, so each one
here starts from all current values of the enclosing one, and hands its updates to it
when all is over.
"""

import keras
from keras.src.backend.common.stateless_scope import get_stateless_scope
from keras.src.backend.common.stateless_scope import in_stateless_scope
from keras.src.backend.common.variables import AutocastScope


class Scope(keras.StatelessScope):
    """A stateless scope over given values, which remembers what was updated."""

    def __init__(self, values):
        super().__init__()
        self.state_mapping.update(values)
        self.updated = {}

    def add_update(self, update):
        """Remembers the variable."""
        variable, _ = update
        self.updated[id(variable)] = variable
        super().add_update(update)


def current_values():
    """Values by `id(variable)` of the enclosing scope; empty outside of scopes."""
    return dict(get_stateless_scope().state_mapping) if in_stateless_scope() else {}


def run(fn, values, updated):
    """Runs `fn` in a scope over `values`; returns its output and new values by id."""
    with Scope(values) as scope:
        output = fn()
    updated.update(scope.updated)
    return output, {key: scope.state_mapping[key] for key in scope.updated}


def run_without_losses(fn, values, updated):
    """Likewise, of layers that add no losses: they would stay in the scope.

    Raises:
        ValueError: If one does.
    """

    def checked():
        scope = get_stateless_scope()
        scope.collect_losses = True
        output = fn()
        if scope.losses:
            raise ValueError(
                "Expected: layers without losses of activations, as of "
                "`activity_regularizer` or `add_loss`, for `rematerialize=True`. "
                f"Received: layers with {len(scope.losses)}."
            )
        return output

    return run(checked, values, updated)


def publish(new_values, updated):
    """Hands new values by id to the enclosing scope, or to the variables."""
    for key, value in new_values.items():
        updated[key].assign(value)


def values_of(variables):
    """Values of variables as they are kept, not cast for the layer that runs."""
    with AutocastScope(None):
        return [variable.value for variable in variables]
