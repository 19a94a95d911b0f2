"""From the file of a film to the grey pixels that every network sees: PNG, JPEG, DICOM, prepared maps."""
