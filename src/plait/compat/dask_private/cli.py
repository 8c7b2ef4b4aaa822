"""dask.cli: the command `dask` as a click group, to which other packages add commands by the entry points `dask_cli`.

What the commands do is in `plait.lazy`; `plait config` and `plait info` do it without click.
"""

from __future__ import annotations

import sys
import warnings
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

try:
    import click
except ImportError as error:
    raise ImportError(
        'the command dask needs click: pip install "plait[click]"; `plait config` does without'
    ) from error

from plait.compat.tables.dask import DASK
from plait.lazy import config as options
from plait.lazy import config_files
from plait.lazy import versions as related

_DOCUMENTATION = "https://docs.dask.org/"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 88})
@click.version_option(DASK.version)
def cli() -> None:
    """Lazy graphs: configuration and versions."""


@cli.command()
def docs() -> None:
    """Open the documentation of dask's interface in a browser."""
    import webbrowser

    webbrowser.open(_DOCUMENTATION)


@cli.group()
def info() -> None:
    """What is installed."""


@info.command()
def versions() -> None:
    """Versions of this package and of those that it works with, as JSON."""
    related.show_versions()


@cli.group()
def config() -> None:
    """Options."""


@config.command(name="get")
@click.argument("key")
def config_get(key: str) -> None:
    """Print the value of an option, or all of a section."""
    absent = object()
    value = options.get(key, absent)
    if value is absent:
        click.echo(click.style(f"Section not found: {key}", fg="red"), err=True)
        sys.exit(1)
    _show(value)


@config.command(name="list")
def config_list() -> None:
    """Print all options."""
    _show(options.config)


def _show(value: Any) -> None:
    show = click.echo_via_pager if isinstance(value, list | dict) else click.echo
    show(config_files.text(value).removesuffix("\n"))


@config.command(name="find")
@click.argument("key")
def config_find(key: str) -> None:
    """Print which files set an option, and to what."""
    found = config_files.found(key)
    if not found:
        click.echo(f"Unable to find [{key}] in any of the following paths:")
        click.echo("\n".join(map(str, options.paths)))
        return
    width = max(len(str(path)) for path, _ in found)
    click.echo(f"Found [{key}] in the following files:")
    for path, value in found:
        click.echo(f"{path!s:{width}}  [{key}={value}]")


@config.command(name="set")
@click.argument("key")
@click.argument("value")
@click.option("--file", type=Path, help="The file; without it the first that has the option, else the user's own.")
def config_set(key: str, value: str, file: Path | None) -> None:
    """Set an option in a file, for good."""
    meant = options.interpret_value(value)
    path = config_files.save(key, meant, file)
    click.echo(f"Updated [{key}] to [{meant}], config saved to {path}")


def _register_command_ep(interface: click.Group, entry_point: Any) -> None:
    """Add the command of an entry point to a group; a warning where it gives none."""
    try:
        command = entry_point.load()
    except Exception as error:
        warnings.warn(
            f"While registering the command with name '{entry_point.name}', an exception occurred; {error}.",
            stacklevel=2,
        )
        return
    if not isinstance(command, click.Command):
        warnings.warn(
            f"entry points in 'dask_cli' must be instances of click.Command or click.Group, not {type(command)}.",
            stacklevel=2,
        )
        return
    if command.name in interface.commands:
        warnings.warn(
            f"While registering the command with name '{command.name}', one of that name was there; it is replaced.",
            stacklevel=2,
        )
    interface.add_command(command)


def run_cli() -> None:
    """Answer one command, those of other packages included."""
    for point in entry_points(group="dask_cli"):
        _register_command_ep(cli, point)
    cli()
