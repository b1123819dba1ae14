"""The JSON schema of study files, for editors: `python -m gaugeflow.config.json_schema > FILE` writes it."""

import json
import sys

from gaugeflow.config.schema import StudyFile


def study_schema() -> str:
    """JSON schema of study.yaml as indented text with a final newline."""
    schema = StudyFile.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps(schema, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(study_schema())
