"""Runs the settings of a config: rows, TensorBoard curves and a report.

    python -m launch.run --config=quickstart --workdir=runs/quickstart

Each field of the config can be set, for example by --config.model.width=64 and
--config.arms=cold,warm. If you give the same command again, it skips the
settings that are finished.
"""

from absl import flags

from ws_keras import settings as all_settings
from ws_keras.storage import workdir as workdirs
from ws_keras.training import stop as stops

from . import cli
from . import in_turn
from . import listing
from . import outcome
from . import plan
from . import prepare
from . import signals
from . import start_up

flags.adopt_module_key_flags(plan)


def main(_) -> None:
    """Runs what the flags say."""
    if plan.LIST.value:
        print(listing.text())
        return
    config = plan.config()
    if plan.WORKDIR.value is None:
        raise ValueError("`--workdir` is required, except with --list.")
    every = plan.settings(config)
    settings = plan.chosen(every)
    configs = {s.id: all_settings.apply(config, s) for s in settings}
    prepare.check_configs(configs)
    with start_up.tensorflow():
        start_up.keras()
        from ws_keras import experiment
    loaded = {}
    prepare.say(prepare.check(config, settings, configs, loaded))
    folder = workdirs.Workdir(plan.WORKDIR.value)
    # All of them: the report shows the others as well.
    folder.check_links(s.id for s in (every if plan.REPORT.value else settings))
    with folder.used(
        config.to_dict(),
        experiment.versions(),
        overwrite=plan.OVERWRITE.value,
        recipe=plan.recipe(),
        command=plan.command(),
        **plan.notes(),
        settings=[setting.id for setting in every],
        data=prepare.fingerprints(loaded),
        strategy=plan.STRATEGY.value,
    ):
        damage = {s.id: folder.damage(s.id) for s in settings}
        whole = [setting for setting in settings if not damage[setting.id]]
        with signals.Signals() as received:
            runs = in_turn.InTurn(folder)
            try:
                runs.run(whole, configs, loaded, received.stop)
            except stops.Interrupted:
                received.leave()
        if plan.REPORT.value:
            del loaded, runs  # drawing needs memory as well
            with folder.lock():
                outcome.write_gaps(folder, every)
                outcome.report(folder)
    _check_whole(damage)


def run() -> None:
    """Entry point of `ws-run`."""
    cli.run(main)


def _check_whole(damage: dict[str, str | None]) -> None:
    found = [sentence for sentence in damage.values() if sentence]
    if found:
        raise ValueError(
            f"Cannot read rows of {len(found)} of {len(damage)} settings. The "
            f"other settings are finished. Received: {' '.join(found)}"
        )


if __name__ == "__main__":
    run()
