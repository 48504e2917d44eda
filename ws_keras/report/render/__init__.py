"""From sections to files: Markdown, an HTML page, figures."""
