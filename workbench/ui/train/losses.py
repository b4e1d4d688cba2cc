"""What each loss rewards: the sentence of the chosen one, and all of them in a table."""

from __future__ import annotations

import streamlit as st
from streamlit.column_config import TextColumn

from workbench.losses import LOSSES
from workbench.ui.shell import components


def explained(loss: str) -> None:
    """Show what the chosen loss rewards, and let a person read what the others do."""
    components.remark(f"{loss} rewards {LOSSES[loss].meaning}. Source: {LOSSES[loss].paper}.")
    with st.expander(f"All {len(LOSSES)} losses", icon=":material/functions:"):
        rows = [{"loss": name, "rewards": one.meaning, "source": one.paper} for name, one in LOSSES.items()]
        components.table(rows, "losses", "What each loss rewards", rewards=TextColumn(width="large"))
