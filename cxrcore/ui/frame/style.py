"""The frame's style, as every page brings it along."""

from pathlib import Path

STYLE = f"<style>{(Path(__file__).parent / 'frame.css').read_text(encoding='utf-8')}</style>"
