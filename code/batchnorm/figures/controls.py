"""Sliders, boxes and menus for a figure, with the abbreviations of `ipywidgets.interact`."""

import weakref

import ipywidgets
from ipywidgets.widgets.widget_selection import _Selection
from traitlets import TraitError


def controls(figure, **abbreviations):
    """The figure with controls beside or under it, one for each trait named.

    ``controls(figure, gamma=(0.0, 3.0), flow_through_mean=True)``: an abbreviation is what
    `ipywidgets.interact` takes, a pair or triple for a slider, a bool for a checkbox, or any
    widget with a ``value``; buttons or a menu are for a trait that holds the index of what is
    chosen. A control starts at the figure's present value. It is joined to the figure in the
    browser (`jslink`), so it moves the picture with no kernel behind it.

    Returns a box. Raises ValueError for a name that is no trait of the figure, or an abbreviation
    that stands for no control.
    """
    rows = []
    for name, abbreviation in abbreviations.items():
        if not figure.has_trait(name):
            raise ValueError(f"{name}: no trait of {type(figure).__name__}")
        value = getattr(figure, name)
        if isinstance(abbreviation, ipywidgets.Widget):
            control = abbreviation
        else:
            try:
                control = ipywidgets.interactive.widget_from_abbrev(abbreviation)
            except (ValueError, TypeError) as error:  # as for a range that ends before it begins
                raise ValueError(f"{name}: got {abbreviation!r}: {error}") from None
        if control is None or not hasattr(control, "value"):
            raise ValueError(f"{name}: got {abbreviation!r}, which stands for no control")
        # Of a choice the browser knows only the index, so that is what the figure keeps
        key = "index" if isinstance(control, _Selection) else "value"
        try:
            setattr(control, key, value)
        except TraitError as error:  # as for a menu of nothing
            raise ValueError(
                f"{name}: got {abbreviation!r}, want one for {value}: {error}"
            ) from None
        control.description = control.description or figure.labels.get(name) or _label(name)
        control.style.description_width = "initial"
        if isinstance(control, ipywidgets.Checkbox):
            control.indent = False
        elif hasattr(control, "readout_format"):
            control.layout.width = "32em"
        ipywidgets.jslink((control, key), (figure, name))
        rows.append(control)
    box = ipywidgets.VBox([figure, *rows]).add_class("bn-box")  # laid out by kit/figure.css
    figure._box = weakref.ref(box)
    return box


LABELS = {"gamma": "scale γ", "beta": "shift β", "eps": "ε", "rate": "learning rate"}


def _label(name):
    """What a trait is called: flow_through_mean "flow through mean", gamma "scale γ"."""
    return LABELS.get(name, name.replace("_", " "))
