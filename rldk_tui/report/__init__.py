"""The health report: one `RunHealth` becomes report.html, report.json and report.pdf.

`sections` build dataclasses (one file each, no markup), `document` gathers them with the check object, `templates` turns
them into the page, `pdf` prints that page, `build` writes the files. Floor: a face, beside `tui`; computes no judgement.
"""
