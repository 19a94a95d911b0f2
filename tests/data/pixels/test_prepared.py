"""Prepared pixels: every film as `film_file.load_film` gives it, whatever happens while the map is made."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import hostile_films
import numpy as np
import psutil
import pytest
from PIL import Image

from cxrcore.config import PROJECT_ROOT
from cxrcore.data.files.limited_process import LimitedProcess
from cxrcore.data.pixels import film_file, prepare_films, prepare_worker, prepared, unchanged_films
from cxrcore.data.pixels.prepared import open_prepared, prepare
from cxrcore.errors import DataError, DiskFullError

SIZE = 32
SLOW = """
ask = prepare_worker.LimitedProcess.ask
def slow(*a, **k):
    for answer in ask(*a, **k):
        time.sleep(PAUSE)
        yield answer
prepare_worker.LimitedProcess.ask = slow
"""


@pytest.fixture
def root(tmp_path) -> Path:
    """Where maps are made."""
    return tmp_path / "prepared"


@pytest.fixture
def decoded(monkeypatch) -> list[str]:
    """Names of the films that are decoded."""
    names, ask = [], LimitedProcess.ask

    def noted(self, task, data=b"", **options):
        names.extend(Path(path).name for _, path in options["films"])
        return ask(self, task, data, **options)

    monkeypatch.setattr(prepare_worker.LimitedProcess, "ask", noted)
    return names


def quietly(films, root, size=SIZE, workers=1):
    return prepare(films, size, root, workers=workers, progress=False)


def assert_whole(made, films):
    """The map holds each film's own pixels."""
    rows = made.rows(list(films))
    assert len(set(rows.tolist())) == len(films)
    for row, path in zip(rows, films.values(), strict=True):
        assert (made.pixels[row] == film_file.load_film(path, made.size)).all(), path.name


def maps(root: Path) -> list[str]:
    """Finished and partial maps, without locks."""
    return sorted(path.name for path in root.iterdir() if path.is_dir())


def in_process(root: Path, films: dict[str, Path], setup: str = "", workers: int = 1) -> subprocess.Popen:
    """Prepare the films in a process of its own; `setup` runs before, with `prepared` and `prepare_worker` in scope."""
    listed = json.dumps({image_id: str(path) for image_id, path in films.items()})
    code = (f"import json, pathlib, time, os\nfrom cxrcore.data.pixels import prepared, prepare_worker, prepare_films\n"
            f"films = {{k: pathlib.Path(v) for k, v in json.loads('''{listed}''').items()}}\n{setup}\n"
            f"if __name__ == '__main__':\n"
            f"    made = prepared.prepare(films, {SIZE}, pathlib.Path({str(root)!r}), workers={workers},"
            f" progress=False)\n    print(len(made.row_of))\n")
    script = root.parent / f"prepare_{len(list(root.parent.glob('prepare_*')))}.py"
    script.write_text(code)
    path = f"{PROJECT_ROOT}:{os.environ.get('PYTHONPATH', '')}"
    return subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=os.environ | {"PYTHONPATH": path})


# -- what a map holds


@pytest.mark.parametrize("n, workers", [(90, 2), (20, 2), (1, 1)], ids=["processes", "few", "one"])
def test_a_map_holds_each_film_as_load_gives_it(make_films, root, n, workers):
    films = make_films(n)
    made = quietly(films, root, workers=workers)
    assert made.pixels.shape == (n, SIZE, SIZE) and made.pixels.dtype == np.uint8 and made.size == SIZE
    assert not made.pixels.flags.writeable
    assert made.skipped == {}
    assert_whole(made, films)
    assert maps(root) == [made.folder.name]


def test_films_of_every_kind_stand_in_one_map(make_films, root):
    films = make_films(4)
    paths = list(films.values())
    Image.open(paths[0]).convert("RGBA").save(paths[0])
    Image.open(paths[1]).resize((70, 31)).save(paths[1])
    Image.fromarray(np.arange(3600, dtype=np.uint16).reshape(60, 60)).save(paths[2])
    assert_whole(quietly(films, root), films)


def test_a_film_that_is_not_in_the_map_is_a_key_error(make_films, root):
    made = quietly(make_films(3), root)
    with pytest.raises(KeyError, match="stranger"):
        made.rows(["stranger.png"])


@pytest.mark.parametrize("size", [100, 0, -32, 31, 16])
def test_sizes_are_multiples_of_32(make_films, root, size):
    with pytest.raises(DataError, match=f"--img_size {size}.*multiples of 32"):
        quietly(make_films(1), root, size)
    assert not root.exists()


def test_there_is_nothing_to_open_before_it_is_made(tmp_path):
    with pytest.raises(DataError, match=r"prepare\.py"):
        open_prepared(tmp_path)


# -- when a map serves again


def test_the_second_time_nothing_is_decoded(make_films, root, decoded):
    films = make_films(6)
    first = quietly(films, root)
    assert sorted(decoded) == sorted(films)
    decoded.clear()
    again = quietly(dict(reversed(films.items())), root)
    assert decoded == [] and again.folder == first.folder


def test_a_map_of_more_films_serves_for_fewer(make_films, root, decoded):
    films = make_films(8)
    quietly(films, root)
    decoded.clear()
    some = dict(list(films.items())[2:5])
    made = quietly(some, root)
    assert decoded == [] and len(maps(root)) == 1
    assert_whole(made, some)


def test_films_of_another_map_are_copied_and_only_the_rest_decoded(make_films, root, decoded):
    films = make_films(9)
    quietly(dict(list(films.items())[2:6]), root)
    decoded.clear()
    made = quietly(films, root)
    assert sorted(decoded) == sorted(set(films) - set(list(films)[2:6]))
    assert_whole(made, films)


def test_more_films_another_size_or_another_decoding_need_their_own_map(make_films, root, monkeypatch):
    films = make_films(5)
    quietly(dict(list(films.items())[:3]), root)
    assert_whole(quietly(films, root), films)
    assert quietly(films, root, 64).size == 64
    assert len(maps(root)) == 3
    monkeypatch.setattr(prepared, "VERSION", 999)
    quietly(films, root)
    assert len(maps(root)) == 4


@pytest.mark.parametrize("shape", [(48, 48), (30, 30)], ids=["same length", "other length"])
def test_a_film_that_changed_is_prepared_again(make_films, root, shape):
    films = make_films(5)
    path = list(films.values())[2]
    Image.fromarray(np.full((48, 48), 9, np.uint8)).save(path, compress_level=0)
    length = path.stat().st_size
    quietly(films, root)
    Image.fromarray(np.full(shape, 200, np.uint8)).save(path, compress_level=0)
    assert (path.stat().st_size == length) == (shape == (48, 48))
    assert_whole(quietly(films, root), films)
    assert len(maps(root)) == 2


# -- looking at every film


@pytest.fixture
def looked_at(monkeypatch) -> list[str]:
    """Films whose file this thread looks at."""
    names, own, thread = [], unchanged_films.signature, threading.current_thread()

    def noted(path):
        names.extend([path.name] * (threading.current_thread() is thread))
        return own(path)

    monkeypatch.setattr(unchanged_films, "signature", noted)
    monkeypatch.setattr(prepared, "signature", noted)
    return names


@pytest.fixture
def many(make_films, root):
    """More films than are looked at before a map is opened, in a map."""
    films = make_films(150, size=2)
    quietly(films, root)
    return films


def test_a_map_opens_without_looking_at_every_film(many, root, looked_at):
    made = quietly(many, root)
    assert 0 < len(looked_at) <= 80 and made.check is not None
    made.confirm()
    assert 0 < len(looked_at) <= 80 and not (made.folder / prepared.CHANGED).exists()
    looked_at.clear()
    prepare(many, SIZE, root, progress=False, at_once=True)
    assert len(looked_at) == 150


@pytest.mark.parametrize("change", [lambda path: os.utime(path, ns=(1, 1)), lambda path: path.unlink()],
                         ids=["changed", "gone"])
def test_a_film_that_changed_unseen_is_told_before_anything_is_kept_and_prepared_anew_the_next_time(many, root, change):
    odd = list(many.values())[1]  # none of those that are looked at first
    change(odd)
    made = quietly(many, root)
    with pytest.raises(DataError, match=f"film {odd.name} has changed or gone .* nothing was kept; start again"):
        made.confirm()
    again = quietly(many, root)
    assert again.folder != made.folder and (odd.name in again.row_of) == odd.exists()
    again.confirm()
    third = quietly(many, root)
    assert third.folder == again.folder
    third.confirm()


# -- films that cannot be read


def test_an_unreadable_film_is_named_and_left_out(make_films, root):
    films = make_films(120)
    path = films["00000007_000.png"]
    path.write_bytes(path.read_bytes()[:200])
    made = quietly(films, root)
    assert list(made.skipped) == ["00000007_000.png"]
    assert "00000007_000.png" in made.skipped["00000007_000.png"]
    assert "00000007_000.png" not in made.row_of and len(made.row_of) == 119
    good = {image_id: path for image_id, path in films.items() if image_id != "00000007_000.png"}
    assert_whole(made, good)
    assert open_prepared(made.folder).skipped == made.skipped


@pytest.mark.parametrize("workers", [1, 2])
def test_too_many_unreadable_films_are_an_error_that_names_them_and_leaves_nothing(make_films, root, workers):
    films = make_films(150)
    for name in ("00000003_000.png", "00000004_000.png"):
        films[name].write_bytes(b"")
    with pytest.raises(DataError, match=r"2 of 150 films cannot be read, more than 1%.*00000003_000\.png"):
        quietly(films, root, workers=workers)
    assert maps(root) == []


def test_a_film_that_vanished_is_an_unreadable_one(make_films, root):
    films = make_films(101)
    films["00000000_000.png"].unlink()
    assert list(quietly(films, root).skipped) == ["00000000_000.png"]


# -- what goes wrong on the way


def test_a_killed_preparation_goes_on_where_it_stopped(make_films, root, decoded):
    films = make_films(96)
    process = in_process(root, films, f"prepare_films.SYNC_EVERY = 0\nprepare_films.CHUNK = 8\nPAUSE = 0.02{SLOW}")
    deadline = time.monotonic() + 30
    while not (done := _done(root)) >= 16:
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    done = _done(root)
    assert 16 <= done < 96
    made = quietly(films, root)
    assert len(decoded) == 96 - done
    assert_whole(made, films)
    assert maps(root) == [made.folder.name]


def _done(root: Path) -> int:
    found = list(root.glob("*.partial/done.bin"))
    return int(np.frombuffer(found[0].read_bytes(), np.uint8).sum()) if found else 0


@pytest.mark.parametrize("rubbish", ["manifest", "short journal", "no pixels yet"])
def test_any_partial_map_is_no_obstacle(make_films, root, rubbish):
    """Whatever moment a process was killed in."""
    films = make_films(5)
    made = quietly(films, root)
    partial = made.folder.with_name(made.folder.name + ".partial")
    os.replace(made.folder, partial)
    if rubbish == "manifest":
        (partial / "manifest.json").write_text('{"size": 32, "vers')
    else:
        (partial / "done.bin").write_bytes(b"\1\1")
        if rubbish == "no pixels yet":
            (partial / "pixels.npy").write_bytes(b"")
    assert_whole(quietly(films, root), films)
    assert maps(root) == [made.folder.name]


def test_two_processes_that_need_one_map_make_it_once(make_films, root):
    films = make_films(80)
    processes = [in_process(root, films, f"PAUSE = 0.005{SLOW}") for _ in range(2)]
    said = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert all(out.splitlines()[-1] == "80" for out, _ in said)
    assert len(maps(root)) == 1
    assert_whole(open_prepared(root / maps(root)[0]), films)


def test_a_killed_worker_is_one_clear_line_and_the_rest_goes_on(make_films, root, decoded):
    films = make_films(100)
    setup = f"prepare_films.CHUNK = 2\nprepare_films.SYNC_EVERY = 0\nPAUSE = 0.01{SLOW}"
    process = in_process(root, films, setup, workers=2)

    def wait_for(n: int) -> None:
        deadline = time.monotonic() + 30
        while _done(root) < n:
            assert process.poll() is None and time.monotonic() < deadline, process.communicate()
            time.sleep(0.01)

    wait_for(4)
    workers = [child for child in psutil.Process(process.pid).children() if "limited_work" in " ".join(child.cmdline())]
    workers[0].suspend()  # so that it certainly has a film to do when it dies
    wait_for(90)
    workers[0].kill()
    _, error = process.communicate(timeout=30)
    assert process.returncode == 1
    last = error.rstrip().splitlines()[-1]
    assert last.startswith("cxrcore.errors.DataError: a process that prepared films was killed")
    made = quietly(films, root)
    assert 0 < len(decoded) <= 10
    assert_whole(made, films)


def test_a_full_disk_is_one_line_and_leaves_no_partial_map(make_films, root):
    """A limit on the size of files stands in for the full disk; see the tmpfs below."""
    films = make_films(100)
    process = in_process(root, films, "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))")
    _, error = process.communicate(timeout=60)
    assert error.rstrip().splitlines()[-1].startswith("cxrcore.errors.DiskFullError: no room for the prepared pixels")
    assert maps(root) == []
    assert_whole(quietly(films, root), films)


@pytest.mark.parametrize("filler", [0, 900_000], ids=["from the start", "on the way"])
def test_a_full_file_system(make_films, small_disk, filler, monkeypatch):
    films = make_films(1100 if not filler else 150)
    root = small_disk / "prepared"
    if filler:  # the room was there when it was looked at, and nothing can be reserved
        monkeypatch.setattr(prepare_films.shutil, "disk_usage", lambda _: SimpleNamespace(free=10**12))
        monkeypatch.setattr(os, "posix_fallocate", lambda *_: None)
        (small_disk / "other").write_bytes(bytes(filler))
    with pytest.raises(DiskFullError, match="GB needed") as error:
        quietly(films, root)
    assert str(root) in str(error.value) and maps(root) == []


# -- films that are made to keep a computer busy


@pytest.mark.parametrize("workers", [1, 2])
def test_a_film_that_takes_too_long_is_an_unreadable_one_and_the_others_are_prepared(make_films, root, workers, limits):
    films = make_films(130)
    films["00000009_000.png"].write_bytes(hostile_films.many_scans(1500))
    limits(cpu=0.2)
    made = quietly(films, root, workers=workers)
    assert list(made.skipped) == ["00000009_000.png"]
    assert made.skipped["00000009_000.png"].startswith(str(films["00000009_000.png"]))
    assert "took more than 0.2 s of processor time" in made.skipped["00000009_000.png"]
    assert len(made.row_of) == 129
    del films["00000009_000.png"]
    assert_whole(made, films)


# -- memory


def test_the_parents_memory_does_not_grow_with_the_pixels(make_films, root):
    """105 MB of pixels go through; measured in a process whose high mark nothing else has raised."""
    films = make_films(400, size=4)
    setup = ("import resource\nprepare_films.FEW_FILMS = 1000\n"
             "mark = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
             f"root = pathlib.Path({str(root)!r})\n"
             "prepared.prepare(dict(list(films.items())[:5]), 512, root, progress=False)\nbefore = mark()\n"
             "made = prepared.prepare(films, 512, root, progress=False)\nprint(made.pixels.nbytes, mark() - before)")
    said, error = in_process(root, films, setup).communicate(timeout=60)
    assert said, error
    n_bytes, grown = map(int, said.splitlines()[0].split())
    assert n_bytes == 400 * 512 * 512
    assert grown <= 20  # MB
