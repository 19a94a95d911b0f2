"""Reading data sets, splitting them and preparing their pixels. No torch in here."""
