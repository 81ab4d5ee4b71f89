"""matplotlib's backend in the page: a picture appears under the cell that draws it.

Only a book that was built with a full Pyodide distribution carries matplotlib.
"""

import base64
import io

from matplotlib._pylab_helpers import Gcf
from matplotlib.backends.backend_agg import FigureCanvasAgg as FigureCanvas

__all__ = ["FigureCanvas", "show"]


def show(*, block=None):
    """Show the open figures and close them: at ``plt.show()``, and at the end of each cell."""
    from . import session

    figures = [manager.canvas.figure for manager in Gcf.get_all_fig_managers()]
    Gcf.destroy_all()  # first: one that cannot be drawn must not come again
    for figure in figures:
        png = io.BytesIO()
        figure.savefig(png, format="png", bbox_inches="tight")
        picture = base64.b64encode(png.getvalue()).decode()
        session.display({"text/plain": repr(figure), "image/png": picture})
