"""The computations behind an executable edition of *Beyond Lazy Training*.

The paper: *Beyond Lazy Training for Over-parameterized Tensor Decomposition* by Xiang Wang, Chenwei
Wu, Jason D. Lee, Tengyu Ma and Rong Ge (NeurIPS 2020). Importing this package never imports cupy.
"""

__version__ = "0.1.0"

from td import data as data
from td.decomposition import Decomposition as Decomposition
from td.decomposition import align as align
from td.decomposition import decompose as decompose
from td.descent import Recipe as Recipe
from td.tensor import SymmetricTensor as SymmetricTensor
from td.tensor import symmetrize as symmetrize
