"""Scripts' common frame: flags from a dataclass, errors as one line with exit code 2."""

import errno
import re
from dataclasses import dataclass, fields

import pytest
from run_scripts import here, in_shell

from cxrcore import cli
from cxrcore.cli import parser_for, run
from cxrcore.config import PROJECT_ROOT, EvalConfig, ImportConfig, PrepareConfig, TrainConfig, default_store, flag
from cxrcore.errors import CheckpointError, DataError, DiskFullError, StoreBusy, UsageError, WorkbenchError


@dataclass(frozen=True)
class _Config:
    path: str | None = flag(None, "a path")
    count: int = flag(3, "a count", at_least=1)
    rate: float | None = flag(None, "a rate", above=0)
    colour: str = flag("red", "a colour", choices=("red", "blue"))


def parsed(*argv: str) -> dict:
    return vars(parser_for(_Config, "A test.").parse_args(argv))


def exit_of(main) -> int:
    with pytest.raises(SystemExit) as end:
        run(main)
    return end.value.code or 0


def raising(error: BaseException):
    def main(argv):
        raise error

    return main


# -- flags


def test_only_given_flags_are_set_and_have_their_type():
    assert parsed() == {}
    assert parsed("--path", "a b", "--count", "7", "--rate", "1e-4", "--colour", "blue") == {
        "path": "a b", "count": 7, "rate": 1e-4, "colour": "blue"}


def test_flags_may_be_written_with_hyphens():
    parser = parser_for(ImportConfig, "x")
    parser.add_argument("file")
    given = vars(parser.parse_args(["--csv-path=a-b", "--as-copy", "--weights-name", "c_d", "--", "--weights-name"]))
    assert given == {"csv_path": "a-b", "as_copy": True, "weights_name": "c_d", "file": "--weights-name"}
    with pytest.raises(UsageError, match="--csv-table"):
        parser.parse_args(["--csv-table", "x", "y"])
    with pytest.raises(UsageError, match=r"'caf\\udce9\.csv' is no text in UTF-8"):  # as a shell gives such bytes
        parser.parse_args(["caf\udce9.csv"])


@pytest.mark.parametrize("argv, says", [
    (["--count", "0"], "--count: 0 is below 1"), (["--count", "x"], "invalid int value: 'x'"),
    (["--rate", "0"], "0 is not a number above 0"), (["--rate", "nan"], "nan is not a number above 0"),
    (["--rate", "inf"], "inf is not a number above 0"), (["--rate", "x"], "float value"),
    (["--colour", "green"], "'green'.*red.*blue"), (["--colours", "red"], "unrecognized arguments: --colours"),
    (["--col", "red"], "unrecognized arguments: --col"), (["stray"], "unrecognized arguments: stray"),
    (["--count"], "expected one argument"),
])
def test_a_wrong_flag_is_one_line_that_names_it(argv, says, capsys):
    assert exit_of(lambda _: parsed(*argv)) == 2
    err = capsys.readouterr().err
    assert re.search(says, err) and err.startswith("error: ") and err.count("\n") == 1


@pytest.mark.parametrize("config", [PrepareConfig, TrainConfig, EvalConfig])
def test_every_field_is_a_flag_with_help_and_its_default(config):
    text = " ".join(parser_for(config, "x").format_help().split())
    for field in fields(config):
        assert f"--{field.name} " in text and " ".join(field.metadata["help"].split()) in text
        if field.default is not None and field.default is not False:  # a switch's help shows none
            assert f"(default: {field.default})" in text


@pytest.mark.parametrize("config, name, text", [
    (PrepareConfig, "workers", "0"), (PrepareConfig, "workers", "-1"), (TrainConfig, "epochs", "0"),
    (TrainConfig, "batch_size", "0"), (TrainConfig, "lr", "0"), (TrainConfig, "lr", "nan"),
    (TrainConfig, "train_subset", "0"), (TrainConfig, "val_subset", "-5"), (TrainConfig, "patience", "0"),
    (TrainConfig, "seed", "-1"), (TrainConfig, "split_seed", "-1"), (TrainConfig, "eval_subset", "-1"),
    (TrainConfig, "loss", "mse"), (TrainConfig, "split", "chronological"), (TrainConfig, "precision", "fp8"),
    (EvalConfig, "subset", "0"), (EvalConfig, "batch_size", "0"),
])
def test_values_that_make_no_sense_are_refused_before_anything_starts(config, name, text):
    with pytest.raises(UsageError, match=f"--{name}"):
        parser_for(config, "x").parse_args([f"--{name}", text])


# -- errors


@pytest.mark.parametrize("error", [
    DataError("no such CSV: x.csv"), StoreBusy("the store is busy"), CheckpointError("two\nlines"),
    DiskFullError("full"),
])
def test_an_error_that_a_user_can_mend_is_one_line_with_code_2(error, capsys):
    assert exit_of(raising(error)) == 2
    out, err = capsys.readouterr()
    assert out == "" and err == f"error: {' '.join(str(error).split())}\n"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.ENAMETOOLONG])
def test_a_disk_that_takes_nothing_is_one_line(number, capsys):
    assert exit_of(raising(OSError(number, "what the system says", "there.txt"))) == 2
    assert capsys.readouterr().err == "error: what the system says: there.txt\n"


@pytest.mark.parametrize("error", [ValueError("a fault"), KeyError("x"), OSError(errno.EBADF, "a fault")])
def test_a_fault_of_the_program_keeps_its_traceback(error):
    with pytest.raises(type(error)):
        run(raising(error))


def test_ctrl_c_is_no_traceback(capsys):
    assert exit_of(raising(KeyboardInterrupt())) == cli.INTERRUPTED
    assert capsys.readouterr().err.strip() == "interrupted"


def test_success_is_code_0():
    assert exit_of(lambda argv: None) == 0


def test_every_error_of_ours_is_one_that_a_user_can_mend():
    from cxrcore import errors

    ours = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert len(ours) > 8 and all(issubclass(kind, WorkbenchError) and kind.__doc__ for kind in ours)


# -- the real thing, once


def test_the_store_is_chosen_by_the_environment(monkeypatch):
    monkeypatch.setenv("CXR_STORE", "elsewhere/my.duckdb")
    assert str(default_store()) == "elsewhere/my.duckdb"
    for unset in ("", None):
        monkeypatch.delenv("CXR_STORE") if unset is None else monkeypatch.setenv("CXR_STORE", unset)
        assert default_store() == PROJECT_ROOT / "runs" / "store.duckdb"


def test_preparing_from_the_command_line(tiny_nih, tmp_path):
    argv = ("prepare.py", "--csv_path", tiny_nih / "Data_Entry_2017.csv", "--img_root", tiny_nih,
            "--img_size", 32, "--store", tmp_path / "store.duckdb")
    done = in_shell(*argv)
    assert done.returncode == 0, done.stderr
    assert "160 films at 32 px" in done.stdout
    assert not (tmp_path / "store.duckdb").exists() and list((tmp_path / "prepared").glob("*/pixels.npy"))


@pytest.mark.parametrize("change, says", [
    ({"--csv_path": "nowhere.csv"}, "no such CSV: nowhere.csv"), ({"--img_root": "scripts"}, "images_001/images/"),
    ({"--img_size": "100"}, "multiples of 32"), ({"--csv_path": None}, "--csv_path and --img_root are needed"),
])
def test_wrong_paths_are_one_line_on_the_command_line(tiny_nih, tmp_path, change, says):
    flags = {"--csv_path": tiny_nih / "Data_Entry_2017.csv", "--img_root": tiny_nih, "--store": tmp_path / "s.duckdb"}
    flags |= change
    given = (part for pair in flags.items() if pair[1] is not None for part in pair)
    done = here("prepare.py", *given, cwd=PROJECT_ROOT)
    assert done.returncode == 2 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("error: ") and says in done.stderr
