"""Tables, figures and pages from results files; matplotlib and jinja2 live here."""
