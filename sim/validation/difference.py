"""How far a model is from what is taken as true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["difference"]


def difference(model: NDArray[np.float64], truth: NDArray[np.float64]) -> dict[str, float]:
    """How far a model is from what is taken as true; NaN in `truth` counts not.

    Returns
    -------
    dict
        ``rmse``, ``mae``, ``bias``, ``worst`` (largest |difference|), ``mae_range`` (mae over the range of the truth),
        ``nse`` (Nash & Sutcliffe 1970), ``peak`` (relative error of the largest value), ``l1_rel`` (sum |difference|
        over sum |truth|).

    Examples
    --------
    >>> found = difference(np.array([1.0, 3.0]), np.array([1.0, 2.0]))
    >>> found["mae"], found["peak"]
    (0.5, 0.5)
    """
    known = np.isfinite(truth) & np.isfinite(model)
    model, truth = model[known], truth[known]
    off = model - truth
    spread = float(np.sum((truth - truth.mean()) ** 2))
    mae, largest = float(np.abs(off).mean()), float(truth.max())
    return {
        "rmse": float(np.sqrt(np.mean(off**2))),
        "mae": mae,
        "bias": float(off.mean()),
        "worst": float(np.abs(off).max()),
        "mae_range": _share(mae, float(np.ptp(truth))),
        "nse": 1.0 - _share(float(np.sum(off**2)), spread),
        "peak": _share(float(model.max()) - largest, largest),
        "peak_m": float(model.max()) - largest,
        "l1_rel": _share(float(np.abs(off).sum()), float(np.abs(truth).sum())),
    }


def _share(part: float, whole: float) -> float:
    return part / whole if whole != 0.0 else np.inf
