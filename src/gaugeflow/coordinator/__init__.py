"""Running a study from one command: preflight, the coordinating process, survey of what is done."""
