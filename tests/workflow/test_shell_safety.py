"""Law: nothing that a study file or a setting says reaches a shell unquoted."""

import pytest
import yaml
from house import REPOSITORY, study_content, write_study

from gaugeflow.config.load import load_study
from gaugeflow.errors import ConfigError

NASTY = ["a'b", 'a"b', "a b", "$(touch x)", "`touch x`", "a\nb", "a;touch x", "-rf|x", "a&b", "a>b"]


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("key", ["label", "files", "folder", "start", "name"])
def test_names_that_a_shell_could_read_are_refused(key, text, tmp_path):
    content, folder = study_content(), tmp_path / "s"
    entry = content["scales"]["full"]["ensembles"][0]
    if key == "label":
        entry["label"] = text
    if key in ("files", "folder"):
        files = {"label": "a", "group": "SU3", "extents": [4, 4, 4, 8], "files": ["c.*"], "folder": "."}
        content["scales"]["full"]["ensembles"] = [files | {key: [text] if key == "files" else text}]
    if key == "start":
        entry["start"] = {"file": text, "content_sha256": "0" * 64, "configuration": 0}
    if key == "name":
        folder = tmp_path / text
    write_study(folder, content)
    with pytest.raises(ConfigError):
        load_study(folder, "full")


@pytest.mark.parametrize("setting", ["launcher", "root"])
@pytest.mark.parametrize("text", NASTY)
def test_settings_that_a_shell_could_read_are_refused(setting, text):
    import jsonschema

    schema = yaml.safe_load((REPOSITORY / "workflow" / "schemas" / "config.schema.yaml").read_text())
    if (setting, text) == ("launcher", "a b"):
        return  # a launcher has options
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(text, schema["properties"][setting])
