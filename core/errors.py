"""What can go wrong, as one tree.

    AutoActError                 anything this package raises on purpose
    ├── UserError                bad input: the command line prints its one line and exits with 2
    │   ├── TaskError            a task file, its corpus or its question files
    │   ├── ModelError           a model that does not load, or cannot be used as asked
    │   └── RunError             a run folder: of another task, corrupt, locked, incomplete, disk full
    ├── ParseError               a model's text is not in the asked form (an observation, never a crash)
    ├── PromptTooLong            a prompt does not fit the model's context window
    └── EndpointError            a server that cannot be reached or fails (never a wrong answer)

Every message says what happened and what to do next.
"""


class AutoActError(Exception):
    """Anything this package raises on purpose."""


class UserError(AutoActError):
    """Bad input; the message names the file or field and what to do."""


class TaskError(UserError):
    """A task file, its corpus or its question files cannot be used."""


class ModelError(UserError):
    """A model does not load, or cannot be used as asked."""


class RunError(UserError):
    """A run folder is of another task, corrupt, locked or incomplete."""


class ParseError(AutoActError):
    """A model's text is not in the asked form."""


class PromptTooLong(AutoActError):
    """A prompt does not fit the model's context window."""


class EndpointError(AutoActError):
    """A server of models, or a hub, cannot be reached or fails."""
