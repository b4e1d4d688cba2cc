"""The dashboard's entry: `streamlit run streamlit_app.py` orders the pages and runs the one asked for."""

from workbench.ui.shell.navigation import run_page

run_page()
