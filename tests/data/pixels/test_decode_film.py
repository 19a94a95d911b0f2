"""Films from outside: as `film_file` reads them, and none of them harms or holds up anybody."""

import os
import signal
import subprocess
import sys
import threading
import zlib

import hostile_films as hostile
import numpy as np
import psutil
import pytest
from PIL import Image

from cxrcore.config import PROJECT_ROOT
from cxrcore.data.files import limited_work
from cxrcore.data.pixels import decode_film, film_file
from cxrcore.errors import FilmError

EIGHTH = 2_828  # pixels a side: of the pixels of the largest film
SMALL = hostile.encoded(Image.new("L", (8, 8), 9))


@pytest.fixture
def warm():
    """No process but one that has just read a film."""
    decode_film.PROCESSES.close()
    decode_film.read_in_limits(SMALL)
    return running()


def running() -> list[psutil.Process]:
    """The limited processes that this one started, dead ones that were not seen to included."""
    return [child for child in psutil.Process().children()
            if child.status() == psutil.STATUS_ZOMBIE or "cxrcore.data.pixels.decode_film" in " ".join(child.cmdline())]


def refused(data: bytes) -> str:
    with pytest.raises(FilmError) as error:
        decode_film.read_in_limits(data, "film.jpg")
    assert str(error.value).startswith("film.jpg ") and "\n" not in str(error.value)
    return str(error.value)


# -- the same films


def test_of_several_that_read_at_once_one_stays(warm):
    with decode_film.PROCESSES.lent():
        decode_film.PROCESSES.warm()
        assert running() == warm, "one that is at work will serve"
        decode_film.read_in_limits(SMALL)
        assert len(running()) == 2
    assert len(running()) == 1
    decode_film.PROCESSES.close()
    decode_film.PROCESSES.warm()
    assert len(running()) == 1


def test_a_film_is_what_it_is_in_this_process(tmp_path, monkeypatch):
    film = Image.fromarray(np.random.default_rng(0).integers(0, 255, (61, 83), np.uint8))
    deep = Image.fromarray(np.asarray(film).astype(np.uint16) * 200)
    for data in (hostile.encoded(film), hostile.encoded(film.convert("RGBA")), hostile.encoded(deep),
                 hostile.largest_tiff(70), hostile.encoded(film, "JPEG"), hostile.deflated(100)):
        (tmp_path / "film").write_bytes(data)
        monkeypatch.chdir(tmp_path)
        here = film_file.read_film(data)
        for source in (data, tmp_path / "film", "film"):
            film_ = decode_film.read_in_limits(source)
            assert (film_.pixels == here.pixels).all() and film_.pixels.dtype == np.uint8
            assert (film_.notes, film_.kind) == (here.notes, here.kind)


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7\n", b"no film\n" * 99, SMALL[:40]])
def test_its_errors_are_those_of_this_process(data):
    with pytest.raises(FilmError) as here:
        film_file.read_film(data, "film.jpg")
    assert refused(data) == str(here.value)


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "film.png")
    for read in (decode_film.read_in_limits, film_file.read_film):
        with pytest.raises(FilmError, match=r"film\.png is a pipe or a device"):
            read(tmp_path / "film.png")
        with pytest.raises(FilmError, match="does not exist"):
            read(tmp_path / "nothing")
        with pytest.raises(FilmError, match="damaged"):
            read(tmp_path)


# -- limits


@pytest.mark.parametrize("make", [
    lambda: hostile.many_scans(2_000), lambda: hostile.long_comment(10_000_000),
    lambda: hostile.png_chunks(b"tEXt", b"a\0b", 500_000)], ids=["scans", "comment", "texts"])
def test_a_film_that_takes_too_much_processor_time_is_refused(make, warm, limits):
    limits(cpu=0.3)
    assert "took more than 0.3 s of processor time: it is damaged, or made to keep a computer busy" in refused(make())
    assert decode_film.read_in_limits(SMALL).pixels[0, 0] == 9  # by another process
    assert [child.pid for child in running()] != [child.pid for child in warm] and len(running()) == 1


def test_time_counts_anew_for_every_film(warm, limits):
    limits(cpu=0.3)
    data, spent = hostile.encoded(Image.fromarray(hostile._levels(1500).astype(np.uint16))), []
    while sum(spent) < 0.5:
        before = sum(warm[0].cpu_times()[:2])
        decode_film.read_in_limits(data)
        spent.append(sum(warm[0].cpu_times()[:2]) - before)
    assert running() == warm


def test_a_process_that_stands_still_is_ended_too(warm, limits):
    limits(wall=0.4)
    warm[0].suspend()
    assert "took more than 0.4 s: it is damaged" in refused(SMALL)
    assert decode_film.read_in_limits(SMALL).kind == "PNG"


@pytest.mark.skipif("memory" in limited_work.not_limited(), reason="this system limits no memory")
def test_a_film_that_takes_too_much_memory_is_refused_and_the_process_stays(warm, limits):
    limits(memory=50_000_000)
    assert "does not fit into memory" in refused(hostile.largest_png(EIGHTH))
    limits()
    assert decode_film.read_in_limits(SMALL).kind == "PNG" and running() == warm


@pytest.mark.parametrize("make", [hostile.largest_png, hostile.largest_tiff])
def test_an_eighth_of_the_largest_film_fits_into_an_eighth_of_the_limits(make, limits):
    limits(cpu=decode_film.LIMITS.cpu / 8, memory=decode_film.LIMITS.memory // 8)
    film = decode_film.read_in_limits(make(EIGHTH))
    assert film.pixels.shape == (EIGHTH, EIGHTH) and (film.pixels.min(), film.pixels.max()) == (0, 255)


@pytest.mark.long
@pytest.mark.parametrize("make", [hostile.largest_png, hostile.largest_tiff])
def test_the_largest_film_is_read(make):
    assert decode_film.read_in_limits(make()).pixels.shape == (8_000, 8_000)


@pytest.mark.parametrize("make, said", [
    (lambda: hostile.png_chunks(b"zTXt", b"a\0\0" + zlib.compress(bytes(900_000)), 100), "damaged"),
    (lambda: hostile.many_frames(300, "GIF"), "first frame of several"),
    (lambda: hostile.many_frames(100, "WEBP"), "first frame of several"),
    (lambda: hostile.many_directories(2_000), "first frame of several"),
    (lambda: hostile.many_directories(3, forever=True), "first frame of several"),
    (lambda: hostile.huge_tag(2_000_000_000), "not an image"),
    (lambda: hostile.deep_sequences(20_000), "damaged"), (lambda: hostile.lut_sequences(20_000), "damaged")],
    ids=["texts", "gif", "webp", "directories", "circle", "tag", "sequences", "read sequences"])
def test_what_else_is_made_to_be_costly_is_cheap_within_a_tenth_of_the_limits(make, said, limits):
    limits(cpu=1.0, memory=350_000_000)
    try:
        film = decode_film.read_in_limits(make())
    except FilmError as error:
        assert said in str(error) and "processor time" not in str(error)
    else:
        assert said in film.notes


def test_a_decoder_that_dies_is_a_film_error(warm, tmp_path):
    """Whatever ends the process: here a signal that no limit sends."""
    warm[0].suspend()
    threading.Timer(0.3, lambda: os.kill(warm[0].pid, signal.SIGSEGV) or warm[0].resume()).start()
    assert "it ended the process that read it" in refused(SMALL)
    assert decode_film.read_in_limits(SMALL).kind == "PNG"


# -- for all who ask


def test_nobody_waits_behind_a_hostile_film(limits):
    limits(cpu=0.8)
    bomb, done = hostile.many_scans(30_000), []
    slow = threading.Thread(target=lambda: done.append(refused(bomb)))
    slow.start()
    for _ in range(3):
        assert decode_film.read_in_limits(SMALL).kind == "PNG"
    assert slow.is_alive() and not done
    slow.join()
    assert "took more than 0.8 s" in done[0]


def test_many_threads_get_their_own_films(warm):
    films = [np.full((40 + i, 50), i, np.uint8) for i in range(24)]
    found = [None] * len(films)

    def ask(i: int) -> None:
        found[i] = decode_film.read_in_limits(hostile.encoded(Image.fromarray(films[i]))).pixels

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(len(films))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((one == film).all() for one, film in zip(found, films, strict=True))
    assert len(running()) <= 2


def test_nothing_is_left_of_a_process_that_was_ended(warm, limits):
    descriptors = psutil.Process().num_fds()
    limits(cpu=0.1)
    for _ in range(3):
        refused(hostile.many_scans(1_500, side=4_000))
        decode_film.read_in_limits(SMALL)
    assert len(running()) == 1 and running()[0].status() != psutil.STATUS_ZOMBIE
    assert psutil.Process().num_fds() == descriptors


def test_ctrl_c_is_not_for_them(warm):
    assert os.getsid(warm[0].pid) != os.getsid(0)  # a terminal sends it to its own group
    warm[0].send_signal(signal.SIGINT)
    assert decode_film.read_in_limits(SMALL).kind == "PNG" and running() == warm


def test_they_end_with_who_started_them(tmp_path):
    code = (f"import time\nfrom cxrcore.data.pixels import decode_film\ndecode_film.read_in_limits({SMALL!r})\n"
            "print(decode_film.PROCESSES._idle[0]._process.pid, flush=True)\ntime.sleep(60)")
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT)
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()
    assert psutil.wait_procs([child], timeout=20)[1] == []


def test_a_fork_shares_none_of_them(warm):
    pid = os.fork()
    if not pid:
        os._exit(len(decode_film.PROCESSES._idle))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert decode_film.read_in_limits(SMALL).kind == "PNG" and running() == warm


def test_what_cannot_be_limited_is_said_once(monkeypatch, capsys):
    from cxrcore.data.files import limited_process

    monkeypatch.setattr(limited_work, "not_limited", lambda: ("processor time", "memory"))
    limited_process._say_once_what_is_not_limited.cache_clear()
    for _ in range(2):
        decode_film.PROCESSES.close()
        decode_film.read_in_limits(SMALL)
    said = capsys.readouterr().out
    assert said.startswith("note: this system cannot limit the processor time and the memory that a foreign file takes")
    assert said.count("\n") == 1
