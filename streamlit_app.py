"""The dashboard's entry: `streamlit run streamlit_app.py` puts the rooms in order and opens one."""

from workbench.ui.shell.navigation import open_house

open_house()
