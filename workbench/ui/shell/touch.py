"""What a finger does on a figure: it scrolls the page, and a tap opens a mark."""

from __future__ import annotations

# Plotly takes every touch for a drag, so that a page could not be scrolled from a figure. It is let have a finger only
# where a person has chosen to draw a box or a shape; a tap reaches it as a click all the same.
SCRIPT = """
<script>
  if (!window.workbenchTouch) {
    window.workbenchTouch = true;
    const scrolls = (event) => {
      const layer = event.touches.length === 1 && event.target.closest?.(".draglayer");
      const mode = layer && layer.closest(".js-plotly-plot")?._fullLayout?.dragmode;
      if (layer && mode !== "select" && mode !== "lasso") event.stopImmediatePropagation();
    };
    const first = { capture: true, passive: true };
    for (const name of ["touchstart", "touchmove"]) window.addEventListener(name, scrolls, first);
  }
</script>
"""
