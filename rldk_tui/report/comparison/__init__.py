"""The comparison of runs as a page: `document` builds the data, `build` writes comparison.html, .json and .pdf."""
