"""SIGINT and SIGTERM: finish the step, write a checkpoint, then exit."""

import contextlib
import os
import signal
import socket
import threading
from types import FrameType

from ws_keras.training import stop as stops

from . import called

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Signals:
    """Turns signals into a request to stop while settings run.

    Before and after, there is nothing to save, and a signal ends the process
    as usual. A second SIGINT exits at once: a thread waits for it, because
    Python calls its handlers only after a long operation.

    Example:

    ```python
    signals = Signals()
    with signals:
        train(stop=signals.stop)
    ```
    """

    def __init__(self):
        self.stop = stops.Stop()
        self.received = None

    def __enter__(self) -> "Signals":
        self._usual = {n: signal.signal(n, self._handle) for n in _SIGNALS}
        ours, self._pipe = socket.socketpair()
        self._pipe.setblocking(False)
        self._wakeup = signal.set_wakeup_fd(self._pipe.fileno())
        watch = threading.Thread(target=_watch, args=(ours,), daemon=True)
        watch.start()
        return self

    def __exit__(self, *_) -> None:
        signal.set_wakeup_fd(self._wakeup)
        self._pipe.close()  # which ends the thread
        for number, usual in self._usual.items():
            signal.signal(number, usual)

    def leave(self) -> None:
        """Prints how to continue, and exits with the status of the signal.

        Raises:
            SystemExit: With 128 and the number of the signal.
        """
        print(
            f"Stopped by {signal.Signals(self.received).name}. Finished work "
            f"is kept. Continue with:\n{called.again()}",
            flush=True,
        )
        raise SystemExit(128 + self.received)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.received = self.received or number
        self.stop.want()
        say_stopping(number, "finishing the step and writing a checkpoint")


def _watch(pipe: socket.socket) -> None:
    """Reads the number of each signal when it comes."""
    interrupts = 0
    with pipe:
        while received := pipe.recv(1):
            interrupts += received[0] == signal.SIGINT
            if interrupts == 2:
                _write_on_terminal("\r\n")  # below the progress line
                os._exit(128 + signal.SIGINT)


def say_stopping(number: int, what: str) -> None:
    """Prints on a terminal what the command waits for.

    A signal handler may call it. The line replaces the progress line and the
    `^C` after it.
    """
    more = (
        "; press Ctrl-C again to end at once" if number == signal.SIGINT else ""
    )
    _write_on_terminal(f"\r\x1b[KStopping: {what}{more}.\n")


def _write_on_terminal(text: str) -> None:
    # A handler must not use `print`, in the middle of which it may be called.
    if os.isatty(1):
        with contextlib.suppress(OSError):
            os.write(1, text.encode())
