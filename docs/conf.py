"""The site's settings; ``make docs`` builds it."""

import mien

project = "Mien"
copyright = "the authors of Mien, MIT licence"  # noqa: A001 - Sphinx reads this name
version = release = mien.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

myst_heading_anchors = 3

napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_custom_sections = [("Class attributes", "Attributes")]
autodoc_member_order = "bysource"
autodoc_typehints = "none"

html_theme = "furo"
html_title = "Mien"
html_copy_source = False
html_show_sourcelink = False
