"""Rules of every declaration."""

from __future__ import annotations

import subprocess
import sys

from zoo.registry.loading import load, resolve_config, resolve_target
from zoo.spec.options import Options, validate
from zoo.testing.case import Case


def rule_catalogue_and_hook_agree(case: Case) -> None:
    """What the catalogue lists is what the plugin's hook declares."""
    declared = load(case.entry).component
    assert declared == case.entry.component, "run zoo catalogue and commit the file"


def rule_target_and_options_resolve(case: Case) -> None:
    """The target can be called; the options class is ours and takes the declared tiny options."""
    component = case.entry.component
    assert callable(resolve_target(component))
    config = resolve_config(component)
    if config is None:
        assert not component.tiny
        return
    assert issubclass(config, Options)
    validate(config, component.tiny, component.name)


def rule_options_are_described(case: Case) -> None:
    """Every option has a description, which the catalogue and the site show."""
    config = resolve_config(case.entry.component)
    fields = config.model_fields if config else {}
    assert [name for name, field in fields.items() if not field.description] == []


def rule_declaration_is_free_of_torch(case: Case) -> None:
    """Importing the plugin module and the options class does not import torch."""
    modules = {
        case.entry.plugin.module,
        (case.entry.component.config or case.entry.plugin.module).split(":")[0],
    }
    if modules <= _FREE_OF_TORCH:
        return
    code = f"import sys, {', '.join(sorted(modules))}; sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=False)  # noqa: S603 - our own interpreter
    assert done.returncode == 0, f"{modules} import torch"
    _FREE_OF_TORCH.update(modules)


_FREE_OF_TORCH: set[str] = set()
