"""When things happen inside `fit`: schedules and stopping rules."""
