"""The base class of warnings about data."""


class DoubtfulData(UserWarning):
    """Data are probably not what a user means.

    A comparison checks its data once. Code that runs several comparisons on the
    same data hides these warnings in all but the first one.
    """
