import sys
from types import ModuleType

__version__ = "0.1.0"

# Public names and the module that defines each. Imported on first use, so that
# `import cosmoreg` costs nothing and plots and records need no torch.
_public = {
    "potential": ["cosmological_potential", "potential_force", "confinement_radius"],
    "adaptive": ["adaptive_lambda"],
    "loss": ["cosmo_reg", "logit_radius", "CosmoRegLoss", "CosmoReg"],
    "units": ["CosmoRegUnits"],
    "entropy": ["activation_entropy", "target_entropy", "prediction_entropy", "effective_rank", "EntropyMeter"],
    "surge": ["collapse_weights", "reexpand_weights", "Masks"],
    "controller": ["SurgeCollapse", "entropy_pump"],
    "stablemax": ["stablemax", "log_stablemax", "StableMax", "stablemax_cross_entropy", "StableMaxCrossEntropyLoss"],
    "crossentropy": ["target_excluded_cross_entropy", "TargetExcludedCrossEntropyLoss", "softmax_collapse_rate"],
    "orthograd": ["orthogonalize_", "OrthoGrad"],
    "clipping": ["clip_update_", "UpdateClipping"],
    "monitor": ["StabilityMonitor"],
    "models": ["AutoRegressiveModel"],
    "training": ["train_with_surge_collapse"],
}
_module_of = {name: module for module, names in _public.items() for name in names}
__all__ = sorted(_module_of)


def __getattr__(name):
    if name not in _module_of: raise AttributeError(f"module 'cosmoreg' has no attribute {name!r}")
    from importlib import import_module
    value = getattr(import_module(f"cosmoreg.{_module_of[name]}"), name)
    globals()[name] = value
    return value


class _Package(ModuleType):
    "Importing the submodule `stablemax` leaves the name to the function."
    def __setattr__(self, name, value):
        if not (isinstance(value, ModuleType) and name in _module_of): super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __dir__(): return sorted({*globals(), *__all__})
