"""The entry of the workbench: `streamlit run app.py`. Routes to the pages and shows nothing itself."""

from cxrcore.ui import shell

shell.navigation().run()
