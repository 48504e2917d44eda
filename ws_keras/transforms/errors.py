"""What another package's error says, in a sentence of ours."""


def reason(error: Exception, length: int = 200) -> str:
    """Returns an error's text on one line; Keras shows whole configs."""
    return " ".join(str(error).split())[:length] or type(error).__name__
