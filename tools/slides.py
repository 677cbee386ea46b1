"""Write dist/slides.pdf: the figures that docs/slides.toml chooses, one sentence each.

A figure is what its notebook has stored: nothing is computed.
"""

import textwrap
import tomllib
from base64 import b64decode
from io import BytesIO

import matplotlib.pyplot as plt
import nbformat
from matplotlib.backends.backend_pdf import PdfPages

from tools.figures import images
from tools.ledger import NOTEBOOKS, ROOT

TABLE = ROOT / "docs" / "slides.toml"
PDF = ROOT / "dist" / "slides.pdf"
SIZE = 13.33, 7.5  # inches, as slides are


def slides():
    """Return the entries of the table, in its order."""
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))["slide"]


def found(notebook, figure):
    """Return a figure's caption, and the last image that stands between it and the text before."""
    drawn = []
    for cell in nbformat.read(NOTEBOOKS / f"{notebook}.ipynb", as_version=4).cells:
        if cell.cell_type == "code":
            drawn += images(cell.outputs)
        elif cell.source.startswith(f"**{figure}") and not cell.source[len(figure) + 2].isdigit():
            return cell.source, drawn[-1]
        else:
            drawn = []
    raise LookupError(f"{notebook} has no {figure}")


def page(slide):
    """Draw one slide: the sentence, the figure, where it is computed."""
    _, image = found(slide["notebook"], slide["figure"])
    sheet = plt.figure(figsize=SIZE, layout="none")
    sheet.text(0.05, 0.94, textwrap.fill(slide["sentence"], 66), fontsize=22, va="top")
    sheet.text(0.05, 0.03, f"Notebook {slide['notebook'][:2]}, {slide['figure']}", fontsize=12)
    axes = sheet.add_axes((0.05, 0.08, 0.9, 0.7), anchor="C")
    axes.imshow(plt.imread(BytesIO(b64decode(image))), interpolation="antialiased")
    axes.axis("off")
    return sheet


def write(path):
    """Write all slides to ``path``."""
    path.parent.mkdir(exist_ok=True)
    with PdfPages(path, metadata={"Title": "Beyond lazy training, executable"}) as pdf:
        for slide in slides():
            pdf.savefig(page(slide), dpi=200)
            plt.close()


if __name__ == "__main__":
    write(PDF)
    print(f"wrote {PDF.relative_to(ROOT)}")
