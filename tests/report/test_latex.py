"""LaTeX tables and macros: every number is there, nothing breaks TeX, nobody's machine is named."""

import csv
import getpass
import io
import re
import shutil
import socket
import subprocess

import pytest
from synthetic import made_study

from gaugeflow.analysis.results import write_results
from gaugeflow.analysis.scoreboard import judge
from gaugeflow.cli.main import main
from gaugeflow.errors import ConfigError
from gaugeflow.report.latex import escaped, macro_name, macros_file, number, table_file

COMMANDS = {
    "newcommand", "ensuremath", "times", "begin", "end", "caption", "toprule", "midrule", "bottomrule", "endhead",
    "endfoot", "tau", "mathrm", "_", "%", "&", "#", "$", "{", "}", "\\", "textbackslash", "textasciitilde",
    "textasciicircum", "textless", "textgreater", "textbar",
}  # fmt: skip
"""All that these files may use: LaTeX's own, booktabs and longtable."""

FIT = {"kind": "fit", "chi2": 5.128, "dof": 4, "p_value": 0.274}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Folder with the files of `gaugeflow tables` for the small study, with a fit and a name full of traps."""
    folder = tmp_path_factory.mktemp("latex")
    made = made_study()
    odd = {**made.results["estimates"]["b1.0_6x8/plaquette"], "text": "1.000(20)e-07"}
    estimates = {**made.results["estimates"], "b1.0_6x8/100% of_{x^2} & #1 ~ <|L|>\\$": odd}
    results = {**made.results, "estimates": estimates, "details": {"b1.0_6x8/potential": FIT}}
    write_results(folder / "results.json", results)
    assert main(["tables", str(folder / "results.json"), "--out", str(folder / "tex")]) == 0
    return folder / "tex", results


def without_comments(text):
    """TeX source without what follows an unescaped %."""
    return "\n".join(re.sub(r"(?<!\\)%.*", "", line) for line in text.splitlines())


@pytest.mark.parametrize("name", ["numbers.tex", "small.tex"])
def test_source_is_balanced_and_uses_known_commands_only(written, name):
    text = without_comments((written[0] / name).read_text())
    own = set(re.findall(r"\\newcommand\{\\([A-Za-z]+)\}", text))
    used = {word or sign for word, sign in re.findall(r"\\(?:([A-Za-z]+)|(.))", text)}
    assert used <= COMMANDS | own
    bare = re.sub(r"\\[A-Za-z]+|\\.", "", text)
    depth = 0
    for character in bare:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    outside = re.sub(r"\$[^$]*\$|\\ensuremath\{(?:[^{}]|\{[^{}]*\})*\}", "", text)
    assert not re.search(r"(?<!\\)[_^#$~<>|]", re.sub(r"\\newcommand\{\\[A-Za-z]+\}", "", outside))


def test_table_has_a_row_of_six_cells_per_estimate_with_its_pull(written):
    folder, results = written
    body = (folder / "small.tex").read_text().split("\\endfoot\n")[1].split("\\end{longtable}")[0]
    rows = [re.split(r"(?<!\\)&", line.removesuffix(r"\\")) for line in body.splitlines()]
    assert len(rows) == len(results["estimates"])
    assert {len(row) for row in rows} == {6}
    pulls = {row.name: row.pull for row in judge(results)}
    for row, (name, entry) in zip(rows, results["estimates"].items(), strict=True):
        assert row[2].strip() == number(entry["text"])
        assert row[4].strip() == str(entry["n"])
        assert row[5].strip() == (rf"\ensuremath{{{pulls[name]:+.2f}}}" if name in pulls else "--")


def test_every_number_has_a_macro_of_letters_and_fits_have_their_chi_squared(written):
    folder, results = written
    text = (folder / "numbers.tex").read_text()
    macros = dict(re.findall(r"^\\newcommand\{\\([A-Za-z]+)\}\{(.*)\} % ", text, flags=re.MULTILINE))
    assert len(macros) == len(results["estimates"]) + 3
    plaquette = results["estimates"]["b1.0_6x8/plaquette"]["text"]
    assert macros["gfSmallBOnePointZeroSixXEightPlaquette"] == rf"\ensuremath{{{plaquette}}}"
    assert macros["gfSmallBOnePointZeroSixXEightPotentialChiSquared"] == r"\ensuremath{5.13}"
    assert macros["gfSmallBOnePointZeroSixXEightPotentialDegreesOfFreedom"] == "4"


def test_files_say_where_they_come_from_and_name_no_user_or_host(written):
    folder, results = written
    words = {socket.gethostname(), getpass.getuser()} - {"root"}
    for path in folder.iterdir():
        text = path.read_text()
        assert results["provenance"]["commit"] in text
        for entry in results["ensembles"]:
            assert entry["source"]["spec_sha256"] in text
            assert entry["source"]["inputs_sha256"] in text
        assert not any(re.search(rf"\b{re.escape(word)}\b", text) for word in words), path
        assert "/tmp/" not in text


def test_csv_has_value_error_times_and_origin(written):
    folder, results = written
    rows = list(csv.DictReader(io.StringIO((folder / "small.csv").read_text())))
    assert len(rows) == len(results["estimates"])
    for column in ("value", "error", "gamma_error", "tau_int", "n", "commit", "spec_sha256", "inputs_sha256"):
        assert all(row[column] for row in rows), column


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex: sources are checked by their grammar")
def test_pdflatex_compiles_tables_and_macros(written, tmp_path):
    for path in written[0].glob("*.tex"):
        shutil.copy(path, tmp_path)
    macro = macro_name("small", "b1.0_6x8/plaquette")
    (tmp_path / "paper.tex").write_text(
        "\\documentclass{article}\\usepackage{booktabs,longtable}\\begin{document}\n\\input{numbers}\n"
        f"The plaquette is {macro}.\n\\input{{small}}\n\\end{{document}}\n"
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"], cwd=tmp_path, capture_output=True
    )
    assert done.returncode == 0, done.stdout.decode()[-2000:]


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("su3_4d", "W(4)"), r"\gfSuThreeFourDWOfFour"),
        (("a", "exp(-dH)"), r"\gfAExpOfMinusDH"),
        (("a", "hot-cold"), r"\gfAHotMinusCold"),
        (("a", "|L|"), r"\gfABarLBar"),
        (("a", "t0(clover, 0.3)"), r"\gfATZeroOfCloverAndZeroPointThree"),
    ],
)
def test_macro_names_are_letters(parts, name):
    assert macro_name(*parts) == name


def test_numbers_and_text_are_written_for_tex():
    assert number("1.000(20)e-07") == r"\ensuremath{1.000(20) \times 10^{-7}}"
    assert number("0.5937(11)") == r"\ensuremath{0.5937(11)}"
    assert number("nan") == "--"
    assert escaped("a_b%{") == r"a\_b\%\{"


def test_names_that_are_spelled_alike_and_studies_given_twice_are_refused(tmp_path, capsys):
    made = made_study()
    entry = made.results["estimates"]["b1.0_6x8/plaquette"]
    with pytest.raises(ConfigError, match="same LaTeX macro"):
        macros_file([{**made.results, "estimates": {"a b": entry, "a_b": entry}}])
    path = tmp_path / "results.json"
    write_results(path, made.results)
    assert main(["tables", str(path), str(path), "--out", str(tmp_path / "tex")]) == 2
    assert main(["tables", str(tmp_path / "none.json"), "--out", str(tmp_path / "tex")]) == 3
    assert "given twice" in capsys.readouterr().err
    assert not (tmp_path / "tex").exists()


def test_equal_results_give_equal_text():
    results = made_study().results
    assert table_file(results) == table_file(dict(results))
    assert macros_file([results]) == macros_file([dict(results)])
